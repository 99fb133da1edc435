-- V2M Restyle: other words, the same timing; `lock: rhythm` in the marker's note keeps every onset of the rhythm.

local dialog = need("dialog")
local session = need("session")
local trouble = need("trouble")
local wishes = need("wishes")

session.run(function(self)
    local take = session.placed(self)
    local wanted = wishes.read(self.timeline, self.preferences)
    if not dialog.ask(self, self.preferences, wanted, "V2M Restyle") then
        trouble.raise("cancelled", "Nothing was done.")
    end
    if not wanted.prompt then
        trouble.raise("usage", "A restyle needs new words.", "Write them into the note of a marker that is named V2M.")
    end
    local result = session.ask(self, take.first, "restyle", function()
        return { document = take.take, prompt = wanted.prompt, lock = wanted.lock, seed = wanted.seed }
    end)
    return session.bring(self, result, take.first)
end)
