-- What the user wants of the music: from a marker on the timeline, and else from the preferences.
--
-- Free Resolve has no dialog for scripts, but every Resolve has markers: the note of one that is named V2M
-- holds the words. A line such as `takes: 4` sets what it names; all other lines are the prompt.

local wishes = {}

local trouble = need("trouble")

local NUMBERS = {
    takes = true, seed = true, tempo = "tempo_bpm", freedom = "tempo_freedom", adherence = true, bend = "max_bend",
}
local TEXTS = { picture = true, lock = true, only = true, mute = true, solo = true, range = true }
local OF_A_PART = { "only", "mute", "solo", "range", "intensity" } -- of the music, which then keeps its words

wishes.ASK = "v2m"
wishes.STOP = "v2m stop"

local function plain(name)
    return (name or ""):lower():gsub("^%s+", ""):gsub("%s+$", "")
end

-- The frame of the marker of a name, and the marker; nil where there is none.
function wishes.marker(timeline, name)
    for frame, marker in pairs(timeline:GetMarkers() or {}) do
        if plain(marker.name) == name then
            return frame, marker
        end
    end
end

-- `cut-3=1.5, 10..14=-1` as pairs of where and how much.
local function amounts(text)
    local pairs_ = {}
    for each in text:gmatch("[^,]+") do
        local where, amount = each:match("^%s*(.-)%s*=%s*(%S+)%s*$")
        if not where or not tonumber(amount) then
            trouble.raise("usage", ("The marker V2M says intensity: %s, expected such as cut-3=1.5."):format(text))
        end
        pairs_[#pairs_ + 1] = { where, amount }
    end
    return pairs_
end

local function set(wanted, name, value)
    if NUMBERS[name] then
        local field = NUMBERS[name] == true and name or NUMBERS[name]
        wanted[field] = tonumber(value)
            or trouble.raise("usage", ("The marker V2M says %s: %s, expected a number."):format(name, value))
        return true
    elseif TEXTS[name] then
        wanted[name] = value
        return true
    elseif name == "intensity" then
        wanted.intensity = amounts(value)
        return true
    end
    return false
end

-- A note as prompt and fields.
function wishes.of_note(note)
    local wanted, words = {}, {}
    for line in (note or ""):gmatch("[^\r\n]+") do
        local name, value = line:match("^%s*(%a+)%s*:%s*(.-)%s*$")
        if not name or not set(wanted, name:lower(), value) then
            words[#words + 1] = line:match("^%s*(.-)%s*$")
        end
    end
    wanted.prompt = #words > 0 and table.concat(words, ", ") or nil
    return wanted
end

-- Whether only some of the music is to change.
function wishes.of_a_part(wanted)
    for _, name in ipairs(OF_A_PART) do
        if wanted[name] then
            return true
        end
    end
    return false
end

-- What is wanted now; `noted` is the prompt of the marker alone.
function wishes.read(timeline, preferences)
    local _, marker = wishes.marker(timeline, wishes.ASK)
    local wanted = wishes.of_note(marker and marker.note)
    wanted.noted = wanted.prompt
    wanted.prompt = wanted.prompt or (preferences.prompt ~= "" and preferences.prompt or nil)
    wanted.takes = wanted.takes or (preferences.takes ~= 1 and preferences.takes or nil)
    wanted.picture = wanted.picture or preferences.picture
    return wanted
end

return wishes
