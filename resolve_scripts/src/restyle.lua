-- V2M Restyle: other words, the same timing. In the marker's note `lock: rhythm` keeps every onset of the rhythm,
-- `only: melody` makes one part again, `range: 10..14` some seconds, `intensity: cut-3=1.5` has more happen there.

local dialog = need("dialog")
local session = need("session")
local trouble = need("trouble")
local wishes = need("wishes")

session.run(function(self)
    local take = session.placed(self)
    local wanted = wishes.read(self.timeline, self.preferences)
    if wishes.of_a_part(wanted) then
        wanted.prompt = wanted.noted -- the preferences' words are for the whole
    end
    if not dialog.ask(self, self.preferences, wanted, "V2M Restyle") then
        trouble.raise("cancelled", "Nothing was done.")
    end
    if not wanted.prompt and not wanted.lock and not wishes.of_a_part(wanted) then
        trouble.raise("usage", "A restyle needs new words.", "Write them into the note of a marker that is named V2M.")
    end
    local result = session.ask(self, take.first, "restyle", function()
        return {
            document = take.take, prompt = wanted.prompt, seed = wanted.seed, lock = wanted.lock, only = wanted.only,
            mute = wanted.mute, solo = wanted.solo, range = wanted.range, intensity = wanted.intensity,
        }
    end)
    return session.bring(self, result, take.first)
end)
