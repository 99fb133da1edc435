-- What every menu entry does: open the editor, do its work, put everything back, tell how it went.

local session = {}

local editor = need("editor")
local files = need("files")
local job = need("job")
local markers = need("markers")
local putback = need("putback")
local rate = need("rate")
local say = need("say")
local settings = need("settings")
local takes = need("takes")
local track = need("track")
local trouble = need("trouble")
local wishes = need("wishes")

local function open()
    local preferences = settings.read()
    say.open(preferences)
    markers.check_color(preferences.markers)
    local self = editor.open()
    self.preferences = preferences
    self.folder = takes.folder(self, preferences)
    editor.remember(self)
    return self
end

-- Run one menu entry to its end; says whether it went well.
function session.run(work)
    local good, thrown = pcall(putback.around, function()
        return work(open())
    end)
    if good then
        say.outcome(thrown)
    else
        say.failure(trouble.of(thrown))
    end
    return good
end

-- --- asking the daemon -----------------------------------------------------------------------------------

-- Whether the user set the marker `V2M stop`, which is taken away.
local function stopper(self)
    return function()
        local good, frame = pcall(wishes.marker, self.timeline, wishes.STOP)
        if good and frame then
            say.line("Stopping.")
            self.timeline:DeleteMarkerAtFrame(frame)
        end
        return good and frame ~= nil
    end
end

-- Have a job done: `fill(job, wants_stop)` puts what it needs into its folder and returns the fields of it.
function session.ask(self, first, kind, fill)
    job.check_daemon(self.preferences)
    local wants_stop = stopper(self)
    local asked = job.new(self.preferences)
    local fields = fill(asked, wants_stop)
    fields.kind = kind
    fields.out_dir = files.join(self.folder, asked.name) -- the inbox is swept, what is on a timeline must stay
    if wants_stop() then
        trouble.raise("cancelled", "Stopped; nothing was changed.")
    end
    takes.expect(self.folder, asked, first, kind)
    local good, result = pcall(function()
        job.submit(asked, fields)
        say.line('V2M is at work; a marker named "V2M stop" stops it.')
        return job.wait(asked, wants_stop, say.line, self.preferences.endpoint)
    end)
    if good or trouble.of(result).code ~= job.AWAY then
        takes.settle(self.folder, asked)
    end
    if not good then
        error(result, 0)
    end
    return result
end

-- --- bringing it in --------------------------------------------------------------------------------------

local function frames_of(self, told, take)
    local length_s = tonumber(told.duration_s)
    if not length_s then
        trouble.raise("unfinished", "V2M did not say how long the music is.", "Its file is " .. tostring(take.wav) .. ".")
    end
    return math.max(1, rate.frame(length_s, self.rate))
end

local function notes(told)
    for _, note in ipairs(type(told.notes) == "table" and told.notes or {}) do
        say.line(tostring(note))
    end
end

-- Import what a job made and place the best; the sentence that tells of it.
function session.bring(self, result, first)
    local made, told = takes.of_result(result, first)
    if not made[1].wav then
        trouble.raise("unfinished", "V2M named no music.", "See what `v2m jobs` says.")
    end
    local frames, paths = frames_of(self, told, made[1]), {}
    for index, take in ipairs(made) do
        paths[index], take.frames = take.wav, frames
    end
    takes.add(self.folder, made)
    if not editor.come_back(self) then
        trouble.raise("unfinished", "Another project is open now.", "Open the timeline and run V2M Takes.")
    end
    local media = track.import(self, paths)
    session.show(self, made[1], media[1])
    notes(told)
    return ("The music is on the track %s, %s."):format(track.NAME, session.how_well(told))
end

-- Put a take's music and markers on the timeline.
function session.show(self, take, media)
    track.place(self, media, take.first, take.frames, self.folder)
    markers.show(self, take, take.frames, self.preferences.markers)
end

function session.how_well(told)
    local sch = type(told.sch) == "table" and tonumber(told.sch.value)
    if not sch then
        return "as long as asked"
    end
    return ("hitting %.0f %% of the cuts"):format(100 * sch)
end

-- The take that is on the timeline (the latest of several), with the frame it lies at.
function session.placed(self)
    local latest, number
    for _, ours in ipairs(track.ours(self, self.folder)) do
        local take, its = takes.of_wav(self.folder, ours.path)
        if take and (not number or its > number) then
            latest, number = take, its
        end
    end
    if not latest then
        trouble.raise("usage", "There is no music of V2M on this timeline.", "Run V2M Score first.")
    end
    if not latest.take then
        trouble.raise("unsupported", "This music came without its take, so it cannot be changed.", "Run V2M Score again.")
    end
    return latest
end

return session
