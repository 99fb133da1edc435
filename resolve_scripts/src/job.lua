-- The job directory: how a script that can only write files has V2M's daemon do something.
--
-- The job's folder is made in the daemon's inbox, `job.json` is renamed into place last; the daemon rewrites
-- `status.json` and leaves `result.json` or `error.json`; a file named `cancel` stops it.

local job = {}

local files = need("files")
local json = need("json")
local say = need("say")
local trouble = need("trouble")

local VERSION = 1 -- of the files' form
local FIRST_LOOK_S, LOOK_EVERY_S = 0.05, 0.25 -- the daemon writes four times a second
local ANSWER_WITHIN_S = 20 -- the daemon looks into its inbox every 10 s even where it hears of nothing
local GONE_FOR_S = 30 -- a daemon that is started again is back within seconds
local STOP_WITHIN_S = 30 -- a job that is told to stop does so within a step of its sampler
local CLIENT = "resolve"

job.AWAY = "away" -- code of an error: nobody does the job now, but it will be done

-- Refuse at once where no daemon runs; a script of another version says so and goes on.
function job.check_daemon(preferences)
    local endpoint = files.read_object(preferences.endpoint)
    if not endpoint then
        trouble.raise("unreachable", "V2M is not running.", "Start it with `v2m serve`, or for good with `v2m serve --install`.")
    end
    local mine, its = need("settings").VERSION, endpoint.version
    if its and mine ~= "" and its ~= mine then
        say.line(("This script is of V2M %s, but %s is running: run `v2m install-resolve` and start Resolve again.")
            :format(mine, its))
    end
end

local function folder_name()
    return ("resolve-%s-%06x"):format(os.date("%Y%m%d-%H%M%S"), math.random(0, 0xFFFFFF))
end

-- Make the folder of a job; nothing is asked for yet.
function job.new(preferences)
    math.randomseed(os.time() + math.floor(os.clock() * 1e6))
    local name = folder_name()
    return { name = name, folder = files.make_folder(files.join(preferences.inbox, name)) }
end

-- Ask for it: from now on the daemon does it, whatever becomes of this script.
function job.submit(self, fields)
    fields.version, fields.client = VERSION, CLIENT
    files.write(self.folder, "job.json", json.encode(fields))
    self.since = os.time()
end

function job.cancel(self)
    files.write(self.folder, "cancel", "")
end

local function fail(told)
    local function text(name)
        return type(told[name]) == "string" and told[name] or ""
    end
    trouble.raise(text("code"), text("message"), text("hint"), text("detail"))
end

-- The result where the job is done, nil where it is not; throws what went wrong.
function job.result(self)
    local told = files.read_object(files.join(self.folder, "error.json"))
    if told then
        fail(told)
    end
    local result = files.read_object(files.join(self.folder, "result.json"))
    if result and result.version ~= VERSION then
        trouble.raise("unsupported", "The running V2M answers in a form that this script does not know.",
            "Run `v2m install-resolve` and start Resolve again.")
    end
    return result
end

local function progress_of(status)
    local words = status.stage ~= "" and status.stage or status.state:gsub("_", " ")
    local told = ("%3.0f %% %s"):format(10 * math.floor(status.fraction * 10), words)
    return status.message ~= "" and told .. ": " .. status.message or told
end

local function withdraw(self)
    pcall(job.cancel, self)
    files.remove(files.join(self.folder, "job.json"))
    trouble.raise("unreachable", "V2M does not answer.", "Start it with `v2m serve`, or see what `v2m doctor` says.")
end

-- Throws where waiting makes no sense any more: nobody took the job, the daemon went, or it does not stop.
local function check_patience(self, seen, stopped, endpoint)
    local now = os.time()
    if not seen and now - self.since > ANSWER_WITHIN_S then
        withdraw(self)
    elseif stopped and now - stopped > STOP_WITHIN_S then
        trouble.raise("cancelled", "V2M is told to stop; nothing was changed here.")
    end
    self.last_there = files.exists(endpoint) and now or self.last_there or self.since
    if now - self.last_there > GONE_FOR_S then
        trouble.raise(job.AWAY, "V2M was stopped; it goes on where it was when it runs again.",
            "Then V2M Takes brings the music.")
    end
end

-- Wait for the result. `wants_stop` is asked at every look; `tell` hears of fractions.
function job.wait(self, wants_stop, tell, endpoint)
    local stopped, pause_s = nil, FIRST_LOOK_S
    while true do
        local result = job.result(self)
        if result then
            return result
        end
        local status = files.read_object(files.join(self.folder, "status.json"))
        if status and type(status.fraction) == "number" and type(status.state) == "string" then
            tell(progress_of(status))
        end
        if not stopped and wants_stop() then
            stopped = os.time()
            job.cancel(self)
        end
        check_patience(self, status, stopped, endpoint)
        files.pause(pause_s)
        pause_s = math.min(pause_s * 1.5, LOOK_EVERY_S)
    end
end

return job
