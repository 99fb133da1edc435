-- A script as one writes it who has not read the fine print: it shows that the double catches what ours avoid.
--
-- WAV and PROMPTED_FRAMES are filled in by the test. Each line is plausible and each is in a published script.

local project = resolve:GetProjectManager():GetCurrentProject()
local timeline = project:GetCurrentTimeline()
local pool = project:GetMediaPool()
local window = fu.UIManager -- free: a notice opens, and nothing works any more
local rate = tonumber(project:GetSetting("timelineFrameRate")) -- the project's, which need not be the timeline's
local seconds = WAV_SECONDS

resolve:OpenPage("deliver")
local marks = timeline:GetMarkInOut() -- missing before 20, and just erased
local first = marks.video and marks.video["in"] or 0
timeline:Export(WAV .. ".otio", "otio", "none")

timeline:AddTrack("audio")
local index = timeline:GetTrackCount("audio")
timeline:SetTrackName("audio", index, "V2M Score")
local item = pool:ImportMedia({ WAV })[1]
local last = math.floor(seconds * rate) - 1
local added = pool:AppendToTimeline({ {
    mediaPoolItem = item, startFrame = 0, endFrame = last, mediaType = 2, trackIndex = index, recordFrame = first,
} })
print("placed", #added)
