-- Words for the person: to Resolve's console, to a log, and the outcome as a notification of the system.

local say = {}

local files = need("files")

local log_path
local wants_notification = false
local last

-- From now on words are logged; before, they only go to the console.
function say.open(preferences)
    log_path, wants_notification = preferences.log, preferences.notify
    last = nil
end

function say.line(text)
    if text == last then
        return -- the console shows every line, so the same one only once
    end
    last = text
    print("V2M: " .. text)
    if log_path then
        pcall(files.append, log_path, os.date("%Y-%m-%d %H:%M:%S ") .. text .. "\n")
    end
end

local function notify(text)
    if wants_notification then
        pcall(files.show, "V2M", text)
    end
end

-- On Windows a notice is a box that somebody must click away: it is for failures.
function say.outcome(text)
    say.line(text)
    if not files.is_windows then
        notify(text)
    end
end

function say.failure(problem)
    say.line(tostring(problem))
    if problem.code == "cancelled" then
        return -- whoever stops it knows
    end
    if problem.detail ~= "" then
        say.line("In detail: " .. problem.detail)
    end
    if log_path then
        print("V2M: the log is " .. log_path)
    end
    notify(tostring(problem))
end

return say
