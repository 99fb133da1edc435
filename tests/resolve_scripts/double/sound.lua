-- Sound files: how long one is, and where it lies on this machine.

local sound = {}

sound.open = io.open -- kept before anybody breaks it

-- A path that the scripts see, on this machine.
function sound.here(world, path)
    return world.map and world.map(path) or path
end

local function little_endian(text, at, count)
    local value = 0
    for step = count - 1, 0, -1 do
        value = value * 256 + text:byte(at + step)
    end
    return value
end

-- Seconds of a WAV; nil where the file is none.
function sound.seconds(path)
    local file = sound.open(path, "rb")
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

return sound
