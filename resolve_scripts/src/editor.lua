-- The running Resolve: edition, version, project and timeline, and the range that the user marked.
--
-- Conventions: `recordFrame` and `GetStart` count absolute frames from the timeline's start timecode; markers
-- and in and out marks count from its first frame. Frames here are of the second kind unless named `absolute`.
-- A mark out is the last frame inside; `last` here is the first one outside.

local editor = {}

local putback = need("putback")
local rate = need("rate")
local trouble = need("trouble")

local OLDEST = { 18, 5 } -- the first Resolve that writes OTIO

local function version_of(resolve)
    local version = resolve:GetVersion() or {}
    local major, minor = tonumber(version[1]) or 0, tonumber(version[2]) or 0
    if major < OLDEST[1] or (major == OLDEST[1] and minor < OLDEST[2]) then
        trouble.raise("unsupported", ("This is Resolve %d.%d, which writes no OTIO."):format(major, minor),
            "Use Resolve 18.5 or later.")
    end
    return major, minor
end

local function found(value, message, hint)
    return value or trouble.raise("usage", message, hint)
end

-- Whatever is open now.
function editor.open()
    local app = rawget(_G, "resolve")
    if not app and rawget(_G, "Resolve") then
        app = Resolve()
    end
    found(app, "There is no Resolve around this script.", "Start it from Workspace > Scripts.")
    local self = { app = app }
    self.major, self.minor = version_of(app)
    self.is_studio = (app:GetProductName() or ""):find("Studio") ~= nil
    self.project = found(app:GetProjectManager():GetCurrentProject(), "No project is open.", "Open one.")
    self.timeline = found(self.project:GetCurrentTimeline(), "No timeline is open.", "Open the one to score.")
    self.pool = self.project:GetMediaPool()
    self.name = self.timeline:GetName()
    self.start = self.timeline:GetStartFrame() -- absolute
    -- the timeline's own rate: a project may hold timelines of other rates
    self.rate = rate.of(self.timeline:GetSetting("timelineFrameRate"))
    return self
end

-- Marks can be read, and so put back, since Resolve 20.
function editor.has_marks(self)
    return self.major >= 20
end

local function marks_of(self)
    if not editor.has_marks(self) then
        return {}
    end
    local good, marks = pcall(self.timeline.GetMarkInOut, self.timeline)
    return good and type(marks) == "table" and marks or {}
end

-- The marked range as first and last frame, each nil where it is not marked.
function editor.range(self)
    local marks = marks_of(self)
    local marked = marks.video and next(marks.video) and marks.video or marks.audio or {}
    local first, last = marked["in"], marked["out"]
    return first, last and math.min(last + 1, editor.length(self))
end

-- Frames of the timeline.
function editor.length(self)
    return self.timeline:GetEndFrame() - self.start
end

-- Remember page and marks, to be put back.
function editor.remember(self)
    local page, marks, timeline = self.app:GetCurrentPage(), marks_of(self), self.timeline
    if page then
        putback.later(function() self.app:OpenPage(page) end)
    end
    if not editor.has_marks(self) then
        return
    end
    putback.later(function()
        local now = timeline:GetMarkInOut() or {}
        for _, kind in ipairs({ "video", "audio" }) do
            local was, is = marks[kind] or {}, now[kind] or {}
            if was["in"] ~= is["in"] or was["out"] ~= is["out"] then
                timeline:ClearMarkInOut(kind)
                if was["in"] or was["out"] then -- Resolve sets both or none
                    timeline:SetMarkInOut(was["in"] or 0, was["out"] or editor.length(self) - 1, kind)
                end
            end
        end
    end)
end

-- Make the timeline the current one, for what Resolve only does there; says whether that went.
function editor.come_back(self)
    local project = self.app:GetProjectManager():GetCurrentProject()
    if not project or project:GetUniqueId() ~= self.project:GetUniqueId() then
        return false
    end
    local current = project:GetCurrentTimeline()
    if current and current:GetUniqueId() == self.timeline:GetUniqueId() then
        return true
    end
    if current then
        putback.later(function() project:SetCurrentTimeline(current) end)
    end
    return project:SetCurrentTimeline(self.timeline) and true or false
end

-- Write the timeline as OTIO. Only Resolve's own constants are taken; True alone proves nothing.
function editor.export(self, path)
    local files = need("files")
    local done = self.timeline:Export(path, self.app.EXPORT_OTIO, self.app.EXPORT_NONE)
    if not done or not files.exists(path) then
        trouble.raise("unfinished", "Resolve did not export the timeline as OTIO.",
            "Try File > Export > Timeline by hand, and see what it says.")
    end
end

return editor
