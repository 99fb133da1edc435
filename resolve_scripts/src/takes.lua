-- The takes of a timeline: which there are, where each lies, and which job is still to bring one.
--
-- `takes.json` in the timeline's folder holds { takes = [...], pending = [...] }, newest last. A take has wav,
-- take (its folder), first (the frame it begins at), prompt and hits; a pending job its folder and first.

local takes = {}

local files = need("files")
local json = need("json")

local NAME = "takes.json"

-- The folder of a timeline: by its unique id, which outlives a new name.
function takes.folder(editor, preferences)
    local id = files.plain_name(editor.timeline:GetUniqueId() or editor.name)
    return files.join(preferences.music, id)
end

function takes.read(folder)
    local index = files.read_object(files.join(folder, NAME)) or {}
    index.takes, index.pending = index.takes or json.array(), index.pending or json.array()
    return index
end

local function write(folder, index)
    files.write(files.make_folder(folder), NAME, json.encode(index))
end

-- Remember a job before it is asked for, so that its result is found even if Resolve is closed meanwhile.
function takes.expect(folder, job, first, kind)
    local index = takes.read(folder)
    table.insert(index.pending, { folder = job.folder, first = first, kind = kind })
    write(folder, index)
end

-- The job is over.
function takes.settle(folder, job)
    local index = takes.read(folder)
    for at = #index.pending, 1, -1 do
        if index.pending[at].folder == job.folder then
            table.remove(index.pending, at)
        end
    end
    write(folder, index)
end

local function text(value)
    return type(value) == "string" and value or nil
end

-- What a job made, best first.
function takes.of_result(result, first)
    local told = type(result.result) == "table" and result.result or {}
    local hits, made = type(told.hits) == "table" and told.hits or json.array(), json.array()
    made[1] = {
        wav = text(result.outputs and result.outputs.wav) or text(told.wav),
        take = text(told.take), first = first, prompt = text(told.prompt), hits = hits,
    }
    for _, other in ipairs(type(told.takes) == "table" and told.takes or {}) do
        if text(other.wav) and other.wav ~= made[1].wav then
            made[#made + 1] = {
                wav = other.wav, take = text(other.take), first = first, prompt = text(told.prompt), hits = hits,
            }
        end
    end
    return made, told
end

function takes.add(folder, made)
    local index = takes.read(folder)
    for at = #made, 1, -1 do -- the best is the newest
        table.insert(index.takes, made[at])
    end
    write(folder, index)
end

-- The take whose music is a file, with its number; nil where it is none of this timeline's.
function takes.of_wav(folder, path)
    for number, take in ipairs(takes.read(folder).takes) do
        if path == take.wav then
            return take, number
        end
    end
end

return takes
