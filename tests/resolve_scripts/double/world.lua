-- A DaVinci Resolve that exists only in memory, as Blackmagic's scripting README and its users describe it.
--
-- What it is faithful to: recordFrame and GetStart are absolute, markers and marks relative; endFrame is exclusive;
-- an overlapping append is dropped though its item is returned; a locked or missing track takes nothing; a sound's
-- FPS is the project's rate at import, and mixed rates are floored; ImportMedia goes to the current bin and gives
-- an old item for an old path; AddTrack is mono unless told; DeleteClips works on the Edit page only; the Deliver
-- page erases marks; JobStatus is a word of the user's language; AppendToTimeline goes to the current timeline;
-- GetMarkInOut came with 20; what only Studio has opens a notice on free that makes every later call fail;
-- customData is not exported.

local object = double("object")
local pool = double("pool")
local timeline_of = double("timeline")

local function project_of(world, id)
    local methods = {
        GetUniqueId = function() return id end,
        GetName = function() return "project" end,
        GetMediaPool = function() return world.pool end,
        GetSetting = function(_, name) return name == "timelineFrameRate" and world.project_rate or "" end,
        GetCurrentTimeline = function() return world.current and world.current.api end,
        SetCurrentTimeline = function(_, wanted)
            for _, timeline in ipairs(world.timelines) do
                if timeline.api == wanted then
                    world.current = timeline
                    return true
                end
            end
            return false
        end,
    }
    for name, method in pairs(double("deliver")(world)) do
        methods[name] = method
    end
    return object(world, methods)
end

local function app_of(world)
    local app = object(world, {
        GetProductName = function() return world.studio and "DaVinci Resolve Studio" or "DaVinci Resolve" end,
        GetVersion = function() return { world.major, world.minor, 0, 7, "" } end,
        GetCurrentPage = function() return world.page end,
        OpenPage = function(_, page)
            world.page = page
            if page == "deliver" then
                world.current.marks = {}
            end
            return true
        end,
        GetProjectManager = function()
            return object(world, { GetCurrentProject = function() return world.project end })
        end,
    })
    for name, value in pairs(world.constants) do
        app[name] = value
    end
    return app
end

-- The world that a test describes; `map` turns a path that the scripts see into one of this machine.
return function(told, map)
    local world = {
        map = map, ids = 0, calls = {}, media = {}, bins = {}, imported = {}, presets = {}, queue = {}, timelines = {},
        major = told.version[1], minor = told.version[2], studio = told.studio, page = told.page or "edit",
        project_rate = told.project_rate, flaky = told.flaky,
        constants = { EXPORT_OTIO = 21, EXPORT_NONE = 0 }, codecs = {}, slip = told.slip,
        loses_appends = told.loses_appends, render_fails = told.render_fails,
        rates = { ["23.976"] = 24000 / 1001, ["29.97"] = 30000 / 1001, ["29.97 DF"] = 30000 / 1001, ["59.94"] = 60000 / 1001 },
        render = { format = "mov", codec = "ProRes422HQ", mode = 0, settings = told.deliver or { TargetDir = "/films", ExportAudio = true } },
    }
    setmetatable(world.rates, { __index = function(_, text) return tonumber(text) end })
    for _, name in ipairs(told.codecs or { "mp4/H264", "mov/ProRes422HQ" }) do
        world.codecs[name] = true
    end
    for _, id in ipairs(told.queue or {}) do
        world.queue[id] = { settings = {}, ending = "mov" }
    end
    if told.rendering then
        world.rendering = { foreign = true }
    end
    world.root = pool.bin(world, "Master")
    local rushes = pool.bin(world, "Rushes")
    table.insert(world.root.bins, rushes)
    world.bin = rushes
    for _, each in ipairs(told.timelines) do
        world.timelines[#world.timelines + 1] = timeline_of(world, each)
    end
    world.current, world.pool = world.timelines[1], pool.of(world)
    world.project, world.app = project_of(world, "project-1"), app_of(world)
    world.projects = { world.project, project_of(world, "project-2") }
    return world
end
