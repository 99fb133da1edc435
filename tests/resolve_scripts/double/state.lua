-- What a test looks at afterwards, as plain tables.

return function(world)
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
