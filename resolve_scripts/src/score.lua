-- V2M Score: music for the timeline, or for what lies between its in and out marks.

local dialog = need("dialog")
local editor = need("editor")
local files = need("files")
local picture = need("picture")
local say = need("say")
local session = need("session")
local trouble = need("trouble")
local wishes = need("wishes")

local FIELDS = { "prompt", "takes", "seed", "tempo_bpm", "tempo_freedom", "adherence" }

local function range(self, wanted)
    if wanted.whole then
        return nil, nil
    elseif not editor.has_marks(self) then
        say.line("Before Resolve 20 scripts cannot read in and out marks: the whole timeline is scored.")
    end
    return editor.range(self)
end

local function fields_of(self, wanted, asked, first, last, wants_stop)
    local name = files.plain_name(self.name) .. ".otio"
    editor.export(self, files.join(asked.folder, name))
    local fields = { document = name }
    for _, field in ipairs(FIELDS) do
        fields[field] = wanted[field]
    end
    fields.in_point = first and ("%df"):format(first)
    fields.out_point = last and ("%df"):format(last)
    if wanted.picture == "render" then
        local from, to = first or 0, last or editor.length(self)
        fields.picture = picture.render(self, asked.folder, from, to, wants_stop)
    end
    return fields
end

session.run(function(self)
    local wanted = wishes.read(self.timeline, self.preferences)
    if not dialog.ask(self, self.preferences, wanted, "V2M Score") then
        trouble.raise("cancelled", "Nothing was done.")
    end
    local first, last = range(self, wanted)
    local result = session.ask(self, first or 0, "score", function(asked, wants_stop)
        return fields_of(self, wanted, asked, first, last, wants_stop)
    end)
    return session.bring(self, result, first or 0)
end)
