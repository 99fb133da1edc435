-- A DaVinci Resolve that exists only in memory, as Blackmagic's scripting README and its users describe it.
--
-- What it is faithful to: recordFrame and GetStart are absolute, markers and marks relative; endFrame is exclusive;
-- an overlapping append is dropped though its item is returned; a locked or missing track takes nothing; a sound's
-- FPS is the project's rate at import, and mixed rates are floored; ImportMedia goes to the current bin and gives
-- an old item for an old path; AddTrack is mono unless told; DeleteClips works on the Edit page only; the Deliver
-- page erases marks; JobStatus is a word of the user's language; AppendToTimeline goes to the current timeline;
-- GetMarkInOut came with 20; what only Studio has opens a notice on free that makes every later call fail;
-- customData is not exported.

local fake = {}

local function truthy_path(world, path)
    return world.map and world.map(path) or path
end

-- --- sound files -----------------------------------------------------------------------------------------

local function little_endian(text, at, count)
    local value = 0
    for step = count - 1, 0, -1 do
        value = value * 256 + text:byte(at + step)
    end
    return value
end

-- Seconds of a WAV; nil where the file is none.
local function wav_seconds(path)
    local file = fake.open(path, "rb")
    local text = file and file:read("*a")
    if file then
        file:close()
    end
    if not text or text:sub(1, 4) ~= "RIFF" or text:sub(9, 12) ~= "WAVE" then
        return nil
    end
    local at, bytes_a_second = 13, nil
    while at + 8 <= #text do
        local name, size = text:sub(at, at + 3), little_endian(text, at + 4, 4)
        if name == "fmt " then
            bytes_a_second = little_endian(text, at + 16, 4)
        elseif name == "data" then
            return size / bytes_a_second
        end
        at = at + 8 + size + size % 2
    end
end

fake.open = io.open -- kept before anybody breaks it

-- --- objects ---------------------------------------------------------------------------------------------

-- An object whose every call is counted, and fails while a notice is open.
local function object(world, methods)
    local guarded = {}
    for name, method in pairs(methods) do
        guarded[name] = function(self, ...)
            world.calls[#world.calls + 1] = name
            if world.notice then
                return nil
            end
            if world.on_call then
                world.on_call(name)
            end
            return method(self, ...)
        end
    end
    return guarded
end

local function item_of(world, media, start, duration, left, track)
    world.ids = world.ids + 1
    local id = "item-" .. world.ids
    local self = { media = media, start = start, duration = duration, left = left, track = track }
    self.api = object(world, {
        GetStart = function() return self.start end,
        GetEnd = function() return self.start + self.duration end,
        GetDuration = function() return self.duration end,
        GetLeftOffset = function() return self.left end,
        GetUniqueId = function() return id end,
        GetMediaPoolItem = function() return self.media and self.media.api end,
    })
    return self
end

local function media_of(world, path)
    local seconds = wav_seconds(truthy_path(world, path))
    if not seconds then
        return nil
    end
    local fps = world.rates[world.project_rate]
    local self = { path = path, seconds = seconds, fps = fps, frames = math.floor(seconds * fps + 1e-6) }
    local told = world.project_rate
    self.api = object(world, {
        GetClipProperty = function(_, name)
            return ({ FPS = tonumber(told) or told, Frames = tostring(self.frames), ["File Path"] = path })[name] or ""
        end,
        GetName = function() return path:match("[^/\\]*$") end,
    })
    world.media[self.api] = self
    return self
end

-- --- a timeline ------------------------------------------------------------------------------------------

local function export(world, self, path)
    local file = fake.open(truthy_path(world, path), "wb")
    if not file then
        return false
    end
    local rate = world.rates[self.rate]
    local function time(value)
        return ('{"OTIO_SCHEMA":"RationalTime.1","rate":%.17g,"value":%.17g}'):format(rate, value)
    end
    local function range(first, count)
        return ('{"OTIO_SCHEMA":"TimeRange.1","start_time":%s,"duration":%s}'):format(time(first), time(count))
    end
    local markers, clips = {}, {}
    for frame, marker in pairs(self.markers) do
        local text = '{"OTIO_SCHEMA":"Marker.2","name":%q,"color":%q,"comment":"","marked_range":%s,'
            .. '"metadata":{"Resolve_OTIO":{"Keywords":[],"Note":%q}}}'
        markers[#markers + 1] = (text:format(marker.name, marker.color:upper(), range(frame, 1), marker.note):gsub("\\\n", "\\n"))
    end
    local at = 0
    for _, cut in ipairs(self.cuts) do
        local text = '{"OTIO_SCHEMA":"Clip.2","name":"shot","source_range":%s,"effects":[],"markers":[],"metadata":{},'
            .. '"enabled":true,"active_media_reference_key":"DEFAULT_MEDIA","media_references":{"DEFAULT_MEDIA":'
            .. '{"OTIO_SCHEMA":"MissingReference.1","metadata":{},"name":"","available_range":null}}}'
        clips[#clips + 1], at = text:format(range(0, cut - at)), cut
    end
    local text = '{"OTIO_SCHEMA":"Timeline.1","name":"timeline","metadata":{"Resolve_OTIO":{"Resolve OTIO Meta Version":"1.0"}},'
        .. '"global_start_time":%s,"tracks":{"OTIO_SCHEMA":"Stack.1","name":"","metadata":{},"effects":[],'
        .. '"source_range":null,"markers":[%s],"children":[{"OTIO_SCHEMA":"Track.1","name":"V1","kind":"Video",'
        .. '"metadata":{"Resolve_OTIO":{"Locked":false}},"effects":[],"markers":[],"source_range":null,"children":[%s]}]}}'
    file:write(text:format(time(self.start), table.concat(markers, ","), table.concat(clips, ",")))
    return file:close()
end

local function marks_api(world, self)
    if world.major < 20 then
        return {}
    end
    return {
        GetMarkInOut = function()
            local copy = {}
            for kind, marked in pairs(self.marks) do
                copy[kind] = { ["in"] = marked["in"], out = marked.out }
            end
            return copy
        end,
        SetMarkInOut = function(_, first, last, kind)
            if not first or not last or last < first then
                return false
            end
            for _, each in ipairs((kind or "all") == "all" and { "video", "audio" } or { kind }) do
                self.marks[each] = { ["in"] = first, out = last }
            end
            return true
        end,
        ClearMarkInOut = function(_, kind)
            for _, each in ipairs((kind or "all") == "all" and { "video", "audio" } or { kind }) do
                self.marks[each] = nil
            end
            return true
        end,
    }
end

local function markers_api(self)
    local function copy()
        local all = {}
        for frame, marker in pairs(self.markers) do
            local one = {}
            for name, value in pairs(marker) do
                one[name] = value
            end
            all[frame] = one
        end
        return all
    end
    return {
        GetMarkers = copy,
        AddMarker = function(_, frame, color, name, note, duration, data)
            if self.markers[frame] or frame < 0 or frame >= self.length then
                return false
            end
            self.markers[frame] = { color = color, name = name, note = note, duration = duration, customData = data or "" }
            return true
        end,
        GetMarkerCustomData = function(_, frame)
            return self.markers[frame] and self.markers[frame].customData or ""
        end,
        UpdateMarkerCustomData = function(_, frame, data)
            if not self.markers[frame] then
                return false
            end
            self.markers[frame].customData = data
            return true
        end,
        DeleteMarkerAtFrame = function(_, frame)
            local was = self.markers[frame]
            self.markers[frame] = nil
            return was ~= nil
        end,
    }
end

local function tracks_api(world, self)
    local function audio(kind, index)
        return kind == "audio" and self.tracks[index] or nil
    end
    return {
        GetTrackCount = function(_, kind) return kind == "audio" and #self.tracks or 1 end,
        AddTrack = function(_, kind, how)
            how = type(how) == "table" and how.audioType or how
            self.tracks[#self.tracks + 1] = { name = "Audio " .. #self.tracks + 1, subtype = how or "mono", items = {} }
            return true
        end,
        GetTrackSubType = function(_, kind, index) return audio(kind, index) and audio(kind, index).subtype or "" end,
        GetTrackName = function(_, kind, index) return audio(kind, index) and audio(kind, index).name or "" end,
        SetTrackName = function(_, kind, index, name)
            audio(kind, index).name = name
            return true
        end,
        GetIsTrackLocked = function(_, kind, index) return audio(kind, index).locked or false end,
        SetTrackLock = function(_, kind, index, locked)
            audio(kind, index).locked = locked
            return true
        end,
        GetItemListInTrack = function(_, kind, index)
            local list = {}
            for at, item in ipairs(audio(kind, index) and audio(kind, index).items or {}) do
                list[at] = item.api
            end
            return list
        end,
        DeleteClips = function(_, items)
            if world.page ~= "edit" then
                return false
            end
            world.flaky = (world.flaky or 0) - 1
            if world.flaky >= 0 then
                return false
            end
            for _, wanted in ipairs(items) do
                for _, track in ipairs(self.tracks) do
                    for at = #track.items, 1, -1 do
                        if track.items[at].api == wanted then
                            if track.locked then
                                return false
                            end
                            table.remove(track.items, at)
                        end
                    end
                end
            end
            return true
        end,
    }
end

local function timeline_of(world, told)
    local self = {
        id = told.id, name = told.name, rate = told.rate, start = told.start, length = told.length,
        cuts = told.cuts or { told.length }, markers = {}, marks = told.marks or {}, tracks = {},
    }
    for _, marker in ipairs(told.markers or {}) do
        self.markers[marker.frame] = {
            color = marker.color or "Blue", name = marker.name or "", note = marker.note or "", duration = 1, customData = "",
        }
    end
    for _, track in ipairs(told.tracks or {}) do
        local one = { name = track.name, subtype = track.subtype or "stereo", locked = track.locked, items = {} }
        for _, item in ipairs(track.items or {}) do
            one.items[#one.items + 1] = item_of(world, nil, item[1], item[2], 0, #self.tracks + 1)
        end
        self.tracks[#self.tracks + 1] = one
    end
    local methods = {
        GetName = function() return self.name end,
        GetUniqueId = function() return self.id end,
        GetStartFrame = function() return self.start end,
        GetEndFrame = function() return self.start + self.length end,
        GetStartTimecode = function() return "01:00:00:00" end,
        GetSetting = function(_, name) return name == "timelineFrameRate" and self.rate or "" end,
        Export = function(_, path, kind, subtype)
            if kind ~= world.constants.EXPORT_OTIO or subtype ~= world.constants.EXPORT_NONE then
                return false
            end
            return export(world, self, path)
        end,
    }
    for _, more in ipairs({ marks_api(world, self), markers_api(self), tracks_api(world, self) }) do
        for name, method in pairs(more) do
            methods[name] = method
        end
    end
    self.api = object(world, methods)
    return self
end

-- --- the media pool --------------------------------------------------------------------------------------

local function bin_of(world, name)
    local self = { name = name, bins = {}, items = {} }
    self.api = object(world, {
        GetName = function() return self.name end,
        GetSubFolderList = function()
            local list = {}
            for at, bin in ipairs(self.bins) do
                list[at] = bin.api
            end
            return list
        end,
        GetClipList = function()
            local list = {}
            for at, media in ipairs(self.items) do
                list[at] = media.api
            end
            return list
        end,
    })
    world.bins[self.api] = self
    return self
end

-- One item of AppendToTimeline.
local function append(world, info)
    local timeline, media = world.current, world.media[info.mediaPoolItem]
    local track = timeline.tracks[info.trackIndex or 1]
    local first, last = info.startFrame or 0, info.endFrame or media.frames
    if not track or track.locked or last > media.frames or last <= first or info.mediaType ~= 2 then
        return nil
    end
    local rate = world.rates[timeline.rate]
    local duration = last - first
    if media.fps ~= rate then
        duration = math.floor(duration * rate / media.fps + 1e-6)
    end
    local item = item_of(world, media, info.recordFrame or timeline.start, duration, first, info.trackIndex or 1)
    for _, other in ipairs(track.items) do
        if item.start < other.start + other.duration and other.start < item.start + duration then
            return item.api -- said to be there, and is not
        end
    end
    world.loses_appends = (world.loses_appends or 0) - 1
    if world.loses_appends < 0 then
        table.insert(track.items, item)
    end
    item.start = item.start + (world.slip or 0)
    return item.api
end

local function pool_of(world)
    return object(world, {
        GetRootFolder = function() return world.root.api end,
        GetCurrentFolder = function() return world.bin.api end,
        SetCurrentFolder = function(_, folder)
            world.bin = world.bins[folder]
            return world.bin ~= nil
        end,
        AddSubFolder = function(_, folder, name)
            local bin = bin_of(world, name)
            table.insert(world.bins[folder].bins, bin)
            return bin.api
        end,
        ImportMedia = function(_, paths)
            local list = {}
            for _, path in ipairs(paths) do
                local media = world.imported[path] or media_of(world, path)
                if media and not world.imported[path] then
                    world.imported[path] = media
                    table.insert(world.bin.items, media)
                end
                list[#list + 1] = media and media.api
            end
            return list
        end,
        AppendToTimeline = function(_, infos)
            local list = {}
            for _, info in ipairs(infos) do
                list[#list + 1] = append(world, info)
            end
            return list
        end,
    })
end

-- --- rendering -------------------------------------------------------------------------------------------

local function render_api(world)
    local page = world.render
    return {
        GetCurrentRenderFormatAndCodec = function() return { format = page.format, codec = page.codec } end,
        SetCurrentRenderFormatAndCodec = function(_, format, codec)
            if not world.codecs[format .. "/" .. codec] then
                return false
            end
            page.format, page.codec = format, codec
            return true
        end,
        GetCurrentRenderMode = function() return page.mode end,
        SetCurrentRenderMode = function(_, mode)
            page.mode = mode
            return true
        end,
        SetRenderSettings = function(_, settings)
            if world.page ~= "deliver" then
                return false
            end
            for name, value in pairs(settings) do
                page.settings[name] = value
            end
            return true
        end,
        SaveAsNewRenderPreset = function(_, name)
            local kept = { format = page.format, codec = page.codec, mode = page.mode, settings = {} }
            for key, value in pairs(page.settings) do
                kept.settings[key] = value
            end
            world.presets[name] = kept
            return true
        end,
        LoadRenderPreset = function(_, name)
            local kept = world.presets[name]
            if kept then
                page.format, page.codec, page.mode, page.settings = kept.format, kept.codec, kept.mode, kept.settings
            end
            return kept ~= nil
        end,
        DeleteRenderPreset = function(_, name)
            local was = world.presets[name]
            world.presets[name] = nil
            return was ~= nil
        end,
        AddRenderJob = function()
            world.ids = world.ids + 1
            local id = "job-" .. world.ids
            local settings = {}
            for name, value in pairs(page.settings) do
                settings[name] = value
            end
            world.queue[id] = { settings = settings, ending = page.format:sub(1, 3) }
            return id
        end,
        DeleteRenderJob = function(_, id)
            local was = world.queue[id]
            world.queue[id] = nil
            return was ~= nil
        end,
        StartRendering = function(_, ids)
            world.rendering = { id = ids[1], looks = 2 }
            return true
        end,
        StopRendering = function() world.rendering = nil end,
        IsRenderingInProgress = function()
            local now = world.rendering
            if not now or now.foreign then
                return now ~= nil
            end
            now.looks = now.looks - 1
            if now.looks >= 0 then
                return true
            end
            world.rendering = nil
            local job = world.queue[now.id]
            job.done = not world.render_fails
            if job.done then
                local set = job.settings
                local file = fake.open(truthy_path(world, set.TargetDir) .. "/" .. set.CustomName .. "." .. job.ending, "wb")
                local what = set.ExportVideo == false and "sound only" or "a film"
                file:write(what, " of ", set.MarkIn or "the beginning", " to ", set.MarkOut or "the end")
                file:close()
            end
            return false
        end,
        GetRenderJobStatus = function(_, id)
            local job = world.queue[id] or {}
            if world.render_fails and not world.rendering then
                return { JobStatus = "Fehlgeschlagen", CompletionPercentage = 37, Error = "Die Platte ist voll" }
            end
            return { JobStatus = job.done and "Concluído" or "Renderizando", CompletionPercentage = job.done and 100 or 50 }
        end,
    }
end

-- --- the whole -------------------------------------------------------------------------------------------

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
    for name, method in pairs(render_api(world)) do
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
function fake.new(told, map)
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
    world.root = bin_of(world, "Master")
    local rushes = bin_of(world, "Rushes")
    table.insert(world.root.bins, rushes)
    world.bin = rushes
    for _, each in ipairs(told.timelines) do
        world.timelines[#world.timelines + 1] = timeline_of(world, each)
    end
    world.current, world.pool = world.timelines[1], pool_of(world)
    world.project, world.app = project_of(world, "project-1"), app_of(world)
    world.projects = { world.project, project_of(world, "project-2") }
    return world
end

-- Fusion's globals: touching the windows on free opens the notice.
function fake.fusion(world, answers)
    local function element(_, told) return told end
    local ui = setmetatable({}, { __index = function() return element end })
    local window = { On = setmetatable({}, { __index = function(on, id)
        local handlers = {}
        rawset(on, id, handlers)
        return handlers
    end }) }
    local items = { Prompt = { Text = answers.prompt or "" }, Takes = { Value = answers.takes or 1 },
        Range = { Checked = not answers.whole } }
    function window.GetItems() return items end
    function window.Show() end
    function window.Hide() end
    local dispatcher = { AddWindow = function() return window end, ExitLoop = function() end }
    function dispatcher.RunLoop()
        window.On[answers.leave and "Leave" or "Go"].Clicked()
    end
    local function opened(value)
        if not world.studio and (world.major > 19 or world.major == 19 and world.minor >= 1) then
            world.notice = true
            return nil
        end
        return value
    end
    local fusion = setmetatable({}, { __index = function(_, name) return name == "UIManager" and opened(ui) or nil end })
    return fusion, { UIDispatcher = function() return opened(dispatcher) end }
end

-- What a test looks at afterwards, as plain tables.
function fake.state(world)
    local timelines = {}
    for at, timeline in ipairs(world.timelines) do
        local tracks, markers = {}, {}
        for index, track in ipairs(timeline.tracks) do
            local items = {}
            for number, item in ipairs(track.items) do
                items[number] = {
                    start = item.start, duration = item.duration, left = item.left, path = item.media and item.media.path or "",
                }
            end
            tracks[index] = { name = track.name, subtype = track.subtype, locked = track.locked or false, items = items }
        end
        for frame, marker in pairs(timeline.markers) do
            marker.frame = frame
            markers[#markers + 1] = marker
        end
        timelines[at] = { name = timeline.name, tracks = tracks, markers = markers, marks = timeline.marks }
    end
    local queue, presets = {}, {}
    for id in pairs(world.queue) do
        queue[#queue + 1] = id
    end
    for name in pairs(world.presets) do
        presets[#presets + 1] = name
    end
    local bins = {}
    for at, bin in ipairs(world.root.bins) do
        local paths = {}
        for number, media in ipairs(bin.items) do
            paths[number] = media.path
        end
        bins[at] = { name = bin.name, paths = paths }
    end
    return {
        timelines = timelines, queue = queue, presets = presets, bins = bins, page = world.page, bin = world.bin.name,
        current = world.current and world.current.name or "", notice = world.notice or false, render = world.render,
    }
end

return fake
