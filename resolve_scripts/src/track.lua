-- The music on the timeline: imported into the bin V2M, appended to the stereo track V2M Score, read back.
--
-- Resolve moves no item and overwrites none: an append that overlaps is dropped in silence. So our own items
-- that are in the way are taken out first, anybody else's send the music to another track, and what lies there
-- afterwards is compared with what was meant. Sources: Blackmagic's scripting README and its users' reports.

local track = {}

local files = need("files")
local putback = need("putback")
local rate = need("rate")
local say = need("say")
local trouble = need("trouble")

track.NAME = "V2M Score"
local BIN = "V2M"
local AUDIO = 2 -- mediaType of AppendToTimeline

-- --- the bin ---------------------------------------------------------------------------------------------

local function bin_of(pool)
    local root = pool:GetRootFolder()
    for _, folder in pairs(root:GetSubFolderList() or {}) do
        if folder:GetName() == BIN then
            return folder
        end
    end
    return pool:AddSubFolder(root, BIN)
end

-- Bring files into the bin; they come as media pool items, in their order.
function track.import(editor, paths)
    local pool = editor.pool
    local before = pool:GetCurrentFolder()
    putback.later(function() pool:SetCurrentFolder(before) end)
    local bin = bin_of(pool)
    if not bin or not pool:SetCurrentFolder(bin) then -- ImportMedia knows no other way to choose the bin
        trouble.raise("unfinished", "Resolve does not open the bin V2M.", "Remove or rename it and try again.")
    end
    local items = {}
    for _, path in ipairs(paths) do
        local imported = pool:ImportMedia({ path }) or {}
        items[#items + 1] = imported[1]
            or trouble.raise("unfinished", "Resolve does not import " .. path .. ".", "Import it by hand.")
    end
    pool:SetCurrentFolder(before)
    return items
end

-- --- what lies there -------------------------------------------------------------------------------------

local function path_of(item)
    local media = item:GetMediaPoolItem()
    return media and media:GetClipProperty("File Path") or ""
end

local function is_named_ours(timeline, index)
    return timeline:GetTrackName("audio", index) == track.NAME
        and timeline:GetTrackSubType("audio", index) == "stereo"
end

-- Our items on tracks of our name: { item =, track =, path =, start =, last = }, absolute frames.
function track.ours(editor, folder)
    local found = {}
    for index = 1, editor.timeline:GetTrackCount("audio") do
        if is_named_ours(editor.timeline, index) then
            for _, item in pairs(editor.timeline:GetItemListInTrack("audio", index) or {}) do
                local path = path_of(item)
                if files.is_below(path, folder) then
                    found[#found + 1] = {
                        item = item, track = index, path = path, start = item:GetStart(), last = item:GetEnd(),
                        media = item:GetMediaPoolItem(), offset = item:GetLeftOffset() or 0,
                    }
                end
            end
        end
    end
    return found
end

local function overlaps(start, last, from, to)
    return start < to and from < last
end

local function is_free(editor, index, folder, from, to)
    for _, item in pairs(editor.timeline:GetItemListInTrack("audio", index) or {}) do
        if overlaps(item:GetStart(), item:GetEnd(), from, to) and not files.is_below(path_of(item), folder) then
            return false
        end
    end
    return true
end

-- --- the track -------------------------------------------------------------------------------------------

-- AddTrack makes a mono track unless told, and a mono track takes half of the music.
local function new_track(timeline)
    local before = timeline:GetTrackCount("audio")
    timeline:AddTrack("audio", "stereo")
    local index = timeline:GetTrackCount("audio")
    if index == before or timeline:GetTrackSubType("audio", index) ~= "stereo" then
        trouble.raise("unfinished", "Resolve does not add a stereo track.",
            "Add one by hand, name it " .. track.NAME .. ", and try again.")
    end
    timeline:SetTrackName("audio", index, track.NAME)
    return index
end

-- A track of our name on which nobody else's item is in the way.
local function find(editor, folder, from, to)
    local has_name = false
    for index = 1, editor.timeline:GetTrackCount("audio") do
        if is_named_ours(editor.timeline, index) then
            if is_free(editor, index, folder, from, to) then
                return index
            end
            has_name = true
        end
    end
    if has_name then
        say.line("On the track " .. track.NAME .. " lie items of yours: the music goes on another one.")
    end
    return new_track(editor.timeline)
end

-- A locked track takes nothing and says nothing.
local function unlock(timeline, index)
    if timeline:GetIsTrackLocked("audio", index) then
        putback.later(function() timeline:SetTrackLock("audio", index, true) end)
        timeline:SetTrackLock("audio", index, false)
    end
end

-- --- placing ---------------------------------------------------------------------------------------------

local function append(editor, info)
    local added = editor.pool:AppendToTimeline({ info }) or {}
    return added[1] ~= nil
end

local function put_back(editor, removed)
    for _, old in ipairs(removed) do
        append(editor, {
            mediaPoolItem = old.media, startFrame = old.offset, endFrame = old.offset + old.frames,
            mediaType = AUDIO, trackIndex = old.track, recordFrame = old.start,
        })
    end
end

local function item_rate(editor, media)
    local told = media:GetClipProperty("FPS")
    local good, exact = pcall(rate.of, told)
    return good and exact or editor.rate
end

-- Take our own items out that lie where the music goes; returns what it takes to bring them back.
local function make_room(editor, folder, from, to)
    local items, removed = {}, {}
    for _, ours in ipairs(track.ours(editor, folder)) do
        if overlaps(ours.start, ours.last, from, to) then
            unlock(editor.timeline, ours.track)
            items[#items + 1], removed[#removed + 1] = ours.item, ours
            ours.frames = rate.converted(ours.last - ours.start, editor.rate, item_rate(editor, ours.media))
        end
    end
    if #items > 0 and not editor.timeline:DeleteClips(items, false)
        and not editor.timeline:DeleteClips(items, false) then -- known to refuse once for no reason
        trouble.raise("unfinished", "Resolve does not remove the music that is there.",
            "Delete it on the track " .. track.NAME .. " and try again.")
    end
    return removed
end

local function landed(editor, index, media, from)
    local path = media:GetClipProperty("File Path")
    local nearest
    for _, item in pairs(editor.timeline:GetItemListInTrack("audio", index) or {}) do
        if path_of(item) == path and (not nearest or math.abs(item:GetStart() - from) < math.abs(nearest:GetStart() - from)) then
            nearest = item
        end
    end
    return nearest
end

local function compare(editor, item, from, frames)
    local start, length = item:GetStart(), item:GetDuration()
    if start ~= from then
        trouble.raise("unfinished", ("Resolve put the music at frame %d, it belongs at frame %d."):format(start, from),
            "Move it there, or undo and try again.")
    elseif length ~= frames then
        say.line(("The music lies in its place but is %d frames long on the timeline and %d in its file: "
            .. "Resolve counts sound in the project's frame rate."):format(length, frames))
    end
end

-- Put music on the timeline.
--   media   as imported
--   first   the frame at which its first sample belongs, from the timeline's beginning
--   frames  its length in frames of the timeline
--   folder  of the takes: items whose files lie there are ours
function track.place(editor, media, first, frames, folder)
    editor.app:OpenPage("edit") -- elsewhere nothing can be deleted
    local from = editor.timeline:GetStartFrame() + first
    local removed = make_room(editor, folder, from, from + frames)
    local index = find(editor, folder, from, from + frames)
    unlock(editor.timeline, index)
    -- the end is exclusive, and both are counted in the rate that the project had when the file was imported
    local added = append(editor, {
        mediaPoolItem = media, startFrame = 0, endFrame = track.source_frames(editor, media, frames),
        mediaType = AUDIO, trackIndex = index, recordFrame = from,
    })
    local item = landed(editor, index, media, from)
    if not added or not item then
        put_back(editor, removed)
        trouble.raise("unfinished", "Resolve did not take the music onto the track " .. track.NAME .. ".",
            "It is in the bin V2M: drag it to the frame where it belongs.")
    end
    compare(editor, item, from, frames)
    return index
end

-- How long the music is, in the item's own frames: never more than the file has.
function track.source_frames(editor, media, frames)
    local own = item_rate(editor, media)
    if rate.same(own, editor.rate) then
        return frames
    end
    return math.min(rate.converted(frames, editor.rate, own), track.length(media) or math.huge)
end

-- The file's whole length in its own frames, as Resolve's property tells it; nil where it does not.
function track.length(media)
    local told = tostring(media:GetClipProperty("Frames") or "")
    return tonumber(told)
end

return track
