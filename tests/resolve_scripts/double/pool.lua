-- The media pool: imports go to the current bin, appends to the current timeline.

local pool = {}

local items = double("items")
local object = double("object")

function pool.bin(world, name)
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
    local item = items.of_track(world, media, info.recordFrame or timeline.start, duration, first, info.trackIndex or 1)
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

function pool.of(world)
    return object(world, {
        GetRootFolder = function() return world.root.api end,
        GetCurrentFolder = function() return world.bin.api end,
        SetCurrentFolder = function(_, folder)
            world.bin = world.bins[folder]
            return world.bin ~= nil
        end,
        AddSubFolder = function(_, folder, name)
            local bin = pool.bin(world, name)
            table.insert(world.bins[folder].bins, bin)
            return bin.api
        end,
        ImportMedia = function(_, paths)
            local list = {}
            for _, path in ipairs(paths) do
                local media = world.imported[path] or items.of_pool(world, path)
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

return pool
