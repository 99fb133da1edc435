-- Hit markers: where the music has its hits, and how far the user moved them since.
--
-- A marker of ours is named `V2M <hit>`. Its customData holds hit, frame (where it was put) and first (where
-- the music began); Resolve shows it to nobody, keeps it through a move and drops it from OTIO, so the note says
-- the same as `v2m:<hit> @<frame>`. One frame takes one marker: where the user has one at a hit, that one gets
-- our customData if it had none, and tells of its move just as well.

local markers = {}

local json = need("json")
local rate = need("rate")
local say = need("say")
local trouble = need("trouble")

local COLORS = {
    Blue = true, Cyan = true, Green = true, Yellow = true, Red = true, Pink = true, Purple = true,
    Fuchsia = true, Rose = true, Lavender = true, Sky = true, Mint = true, Lemon = true, Sand = true,
    Cocoa = true, Cream = true,
}

markers.OFF = "off"

function markers.check_color(color)
    if color ~= markers.OFF and not COLORS[color] then
        trouble.raise("usage", ("%q is no colour of Resolve's markers."):format(color),
            'Take one of those in its menu, such as "Purple", or "off".')
    end
end

-- What a marker knows of its hit; nil where it is none of ours.
local function of(marker)
    local data = json.decode(marker.customData or "")
    if type(data) == "table" and type(data.v2m) == "string" and type(data.frame) == "number" then
        return { hit = data.v2m, frame = data.frame, is_ours = data.own == true }
    end
    local hit, frame = (marker.note or ""):match("v2m:([%w_.-]+) @(%d+)")
    return hit and { hit = hit, frame = tonumber(frame), is_ours = (marker.name or ""):find("^V2M ") ~= nil }
end

-- Hit markers as they lie now: { hit =, frame = (where put), now = (where it is), is_ours = }, in order.
function markers.read(timeline)
    local found = {}
    for now, marker in pairs(timeline:GetMarkers() or {}) do
        local one = of(marker)
        if one then
            one.now = now
            found[#found + 1] = one
        end
    end
    table.sort(found, function(a, b) return a.now < b.now end)
    return found
end

-- Those that were moved, as pairs of times from the music's beginning for a retime.
function markers.nudges(timeline, first)
    local pairs_of_times = json.array()
    for _, one in ipairs(markers.read(timeline)) do
        if one.now ~= one.frame then
            local old, new = one.frame - first, one.now - first
            pairs_of_times[#pairs_of_times + 1] = json.array({ ("%df"):format(old), ("%df"):format(new) })
        end
    end
    return pairs_of_times
end

-- Take ours away between two frames; the user's own only lose what we noted in them.
local function clear(timeline, first, last)
    for _, one in ipairs(markers.read(timeline)) do
        local is_inside = one.frame >= first and one.frame < last
        if is_inside and one.is_ours then
            timeline:DeleteMarkerAtFrame(one.now)
        elseif is_inside then
            timeline:UpdateMarkerCustomData(one.now, "")
        end
    end
end

local function put(timeline, hit, frame, color)
    local data = { v2m = hit.id, frame = frame, own = true }
    local note = ("v2m:%s @%d"):format(hit.id, frame)
    if timeline:AddMarker(frame, color, "V2M " .. hit.id, note, 1, json.encode(data)) then
        return true
    end
    if (timeline:GetMarkerCustomData(frame) or "") == "" then
        data.own = false
        return timeline:UpdateMarkerCustomData(frame, json.encode(data))
    end
    return false
end

-- Show a take's hits in place of those shown before.
function markers.show(editor, take, frames, color)
    clear(editor.timeline, take.first, take.first + frames + 1) -- the end's own hit lies on the frame after
    if color == markers.OFF then
        return
    end
    local missed = 0
    for _, hit in ipairs(take.hits) do
        if type(hit.id) == "string" and type(hit.time_s) == "number" and hit.kind ~= "end" then
            local frame = take.first + rate.frame(hit.time_s, editor.rate)
            missed = missed + (put(editor.timeline, hit, frame, color) and 0 or 1)
        end
    end
    if missed > 0 then
        say.line(("%d hits have no marker of their own: other markers are there."):format(missed))
    end
end

return markers
