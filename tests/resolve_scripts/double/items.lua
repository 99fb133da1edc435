-- Items of a timeline and of the media pool. A sound's frames are counted in the project's rate at its import.

local items = {}

local object = double("object")
local sound = double("sound")

function items.of_track(world, media, start, duration, left, track)
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

function items.of_pool(world, path)
    local seconds = sound.seconds(sound.here(world, path))
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

return items
