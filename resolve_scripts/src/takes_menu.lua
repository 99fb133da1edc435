-- V2M Takes: first brings in what finished while nobody waited, else places the one before.

local job = need("job")
local say = need("say")
local session = need("session")
local takes = need("takes")
local track = need("track")
local trouble = need("trouble")

-- The sentence about a job that finished unwatched; nil where there is none.
local function collect(self)
    for _, pending in ipairs(takes.read(self.folder).pending) do
        local good, result = pcall(job.result, pending)
        if not good then
            takes.settle(self.folder, pending)
            say.failure(trouble.of(result))
        elseif result then
            local told = session.bring(self, result, pending.first)
            takes.settle(self.folder, pending)
            return told
        else
            say.line("A job is still under way; run V2M Takes again when it is done.")
        end
    end
end

-- The number of the latest take that is on the timeline, 0 for none.
local function placed_number(self)
    local number = 0
    for _, ours in ipairs(track.ours(self, self.folder)) do
        local _, its = takes.of_wav(self.folder, ours.path)
        number = math.max(number, its or 0)
    end
    return number
end

local function list(all, number)
    for index, take in ipairs(all) do
        local prompt = type(take.prompt) == "string" and take.prompt ~= "" and take.prompt or "no words"
        say.line(("%s take %d, from frame %d: %s"):format(index == number and ">" or " ", index, take.first, prompt))
    end
end

session.run(function(self)
    local told = collect(self)
    if told then
        return told
    end
    local all = takes.read(self.folder).takes
    if #all == 0 then
        trouble.raise("usage", "This timeline has no takes yet.", "Run V2M Score first.")
    end
    local placed = placed_number(self)
    local number = placed > 1 and placed - 1 or #all -- from the newest back, and round again
    list(all, number)
    session.show(self, all[number], track.import(self, { all[number].wav })[1])
    return ("Take %d of %d is on the track %s."):format(number, #all, track.NAME)
end)
