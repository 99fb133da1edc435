-- Plays a story in the double: luajit drive.lua THIS_FOLDER JSON_PART STORY.json STATE.json
--
-- A story is { world =, windows = root or nil, steps = [...] }; a step runs a script, moves or adds a marker,
-- or sets something in the world; `during` are steps that happen while a script waits for the daemon.

local here, json_part, story_path, state_path = unpack(arg)

local made = {}

-- A part of the double.
function double(name)
    made[name] = made[name] or assert(loadfile(here .. "/double/" .. name .. ".lua"))()
    return made[name]
end

local json = assert(loadfile(json_part))()
double("sound") -- keeps io.open before Windows breaks it
local open = io.open

local function read(path)
    local file = assert(open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

local story = assert(json.decode(read(story_path)))
local map, shown
if story.windows then
    ffi, map, shown = double("windows").new(story.windows, json.utf8_of)
end
local world = double("world")(story.world, map)
resolve = world.app
fu, bmd = double("fusion")(world, story.answers or {})

local words = {}
function print(...)
    local line = {}
    for at = 1, select("#", ...) do
        line[at] = tostring((select(at, ...)))
    end
    words[#words + 1] = table.concat(line, "\t")
end

local act = {}

function act.move(step)
    local markers = world.current.markers
    markers[step.to], markers[step.from] = assert(markers[step.from], "no marker at " .. step.from), nil
end

function act.mark(step)
    world.current.markers[step.frame] = {
        color = step.color or "Blue", name = step.name or "", note = step.note or "", duration = 1, customData = "",
    }
end

function act.unmark(step)
    world.current.markers[step.frame] = nil
end

function act.remark(step)
    world.current.marks = step.marks
end

function act.show(step)
    world.current = world.timelines[step.timeline]
end

function act.set(step)
    world[step.name] = step.value
end

function act.remove(step)
    assert(os.remove(step.path))
end

function act.sleep(step)
    os.execute("sleep " .. step.seconds)
end

function act.open(step)
    world.project = world.projects[step.project]
end

function act.lock(step)
    world.current.tracks[step.track].locked = true
end

function act.recut(step)
    world.current.cuts = step.cuts
end

function act.run(step)
    local during = step.during or {}
    local since
    world.on_call = function(name)
        -- the scripts look for the marker that stops them: then they wait
        if name == "GetMarkers" and #during > 0 then
            since = since or 0
            since = since + 1
            if since > 3 then
                world.on_call = nil
                for _, each in ipairs(during) do
                    act[each.act](each)
                end
            end
        end
    end
    local script = assert(loadstring(read(step.script), "=" .. step.script))
    local good, why = pcall(script)
    world.on_call = nil
    if not good then
        words[#words + 1] = "CRASHED: " .. tostring(why)
    end
end

for _, step in ipairs(story.steps) do
    local good, why = pcall(act[step.act], step)
    if not good then
        words[#words + 1] = "CRASHED: " .. tostring(why)
    end
end

local state = double("state")(world)
state.words, state.shown = words, shown or {}
local file = assert(open(state_path, "wb"))
file:write(json.encode(state))
file:close()
