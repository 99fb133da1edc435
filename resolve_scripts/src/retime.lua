-- V2M Retime: the same music on new timing. Moved hit markers say what moves; without any, the new edit does.

local editor = need("editor")
local files = need("files")
local markers = need("markers")
local say = need("say")
local session = need("session")
local wishes = need("wishes")

local function fields_of(self, take, asked)
    local wanted = wishes.read(self.timeline, self.preferences)
    local fields = { document = take.take, max_bend = wanted.max_bend }
    local nudges = markers.nudges(self.timeline, take.first)
    if #nudges > 0 then
        say.line(("Hits moved: %d."):format(#nudges))
        fields.nudges = nudges
    else
        say.line("No hit marker was moved: the music follows the timeline as it is cut now.")
        fields.timeline = files.plain_name(self.name) .. ".otio"
        editor.export(self, files.join(asked.folder, fields.timeline))
    end
    return fields
end

session.run(function(self)
    local take = session.placed(self)
    local result = session.ask(self, take.first, "retime", function(asked)
        return fields_of(self, take, asked)
    end)
    return session.bring(self, result, take.first)
end)
