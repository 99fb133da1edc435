-- A timeline: exported as OTIO without customData, its markers and marks counted from its first frame.

local items = double("items")
local object = double("object")
local sound = double("sound")
local tracks_api = double("tracks")

local function export(world, self, path)
    local file = sound.open(sound.here(world, path), "wb")
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

return function(world, told)
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
            one.items[#one.items + 1] = items.of_track(world, nil, item[1], item[2], 0, #self.tracks + 1)
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
