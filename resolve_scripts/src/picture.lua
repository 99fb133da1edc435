-- A small picture of the programme, rendered by Resolve for a daemon that cannot read the media itself.
--
-- Own render job, nobody else's touched. The Deliver page erases in and out marks, and its settings stay what
-- was set last: marks are put back by `editor.remember`, settings by a preset of our own that is removed again.

local picture = {}

local editor = need("editor")
local files = need("files")
local putback = need("putback")
local say = need("say")

local NAME = "v2m-picture"
local PRESET = "V2M: settings to be put back"
local WIDTH, HEIGHT = 640, 360 -- what the daemon looks at is smaller still
local LOOK_EVERY_S = 0.5

-- Format and codec by their ids, smallest first. Free Resolve on Linux has no H.264.
local CODECS = { { "mp4", "H264" }, { "mov", "H264" }, { "mov", "ProRes422P" }, { "mov", "DNxHRLB" }, { "mxf_op1a", "DNxHRLB" } }

local function refuse(why)
    say.line("No picture is rendered: " .. why .. " The media are read instead.")
end

local function remember_settings(project)
    local kept = project:SaveAsNewRenderPreset(PRESET)
    local mode = project:GetCurrentRenderMode()
    local now = project:GetCurrentRenderFormatAndCodec() or {}
    putback.later(function()
        if kept then
            project:LoadRenderPreset(PRESET)
            project:DeleteRenderPreset(PRESET)
        end
        if now.format and now.codec then
            project:SetCurrentRenderFormatAndCodec(now.format, now.codec)
        end
        if mode then
            project:SetCurrentRenderMode(mode)
        end
    end)
end

-- The file's ending, once a codec is chosen that this Resolve has.
local function choose_codec(project)
    for _, choice in ipairs(CODECS) do
        if project:SetCurrentRenderFormatAndCodec(choice[1], choice[2]) then
            return choice[1]:match("^%a%w%w") -- mxf_op1a writes .mxf
        end
    end
end

-- Settings lie over those of the page, so all that matter are named.
local function settings(self, folder, first, last)
    return {
        SelectAllFrames = false, MarkIn = self.start + first, MarkOut = self.start + last - 1, -- absolute, the last inside
        TargetDir = folder, CustomName = NAME, ExportVideo = true, ExportAudio = false,
        FormatWidth = WIDTH, FormatHeight = HEIGHT,
    }
end

local function wait(project, id, wants_stop)
    while project:IsRenderingInProgress() do
        if wants_stop() then
            project:StopRendering()
            return false
        end
        local status = project:GetRenderJobStatus(id) or {}
        say.line(("%3.0f %% render in Resolve"):format(10 * math.floor((tonumber(status.CompletionPercentage) or 0) / 10)))
        files.pause(LOOK_EVERY_S)
    end
    -- JobStatus is a word of the user's language, and not rendering is no success
    local status = project:GetRenderJobStatus(id) or {}
    return (status.Error or "") == "" and (tonumber(status.CompletionPercentage) or 0) >= 100
end

local function render(self, folder, first, last, wants_stop)
    local project = self.project
    self.app:OpenPage("deliver") -- elsewhere settings are taken and forgotten
    remember_settings(project)
    local ending = choose_codec(project)
    project:SetCurrentRenderMode(1) -- one file, not one per clip
    if not ending or not project:SetRenderSettings(settings(self, folder, first, last)) then
        return refuse("this Resolve has no format for it.")
    end
    local id = project:AddRenderJob()
    if not id or id == "" then
        return refuse("Resolve takes no render job.")
    end
    putback.later(function() project:DeleteRenderJob(id) end)
    local path = files.join(folder, NAME .. "." .. ending)
    local done = project:StartRendering({ id }, false) and wait(project, id, wants_stop)
    if not done or not files.exists(path) then
        return refuse("Resolve's render failed.")
    end
    return path
end

-- The path of the picture in a folder; nil, with a word about it, where there is none.
function picture.render(self, folder, first, last, wants_stop)
    if not editor.has_marks(self) then
        return refuse("before Resolve 20 the page Deliver would erase your in and out marks.")
    elseif self.project:IsRenderingInProgress() then
        return refuse("Resolve is rendering something else.")
    end
    return render(self, folder, first, last, wants_stop)
end

return picture
