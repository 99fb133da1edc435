-- Where V2M lives on this machine, and what the user prefers.
--
-- `ADDRESSES` stands at the top of the script and is filled in by `v2m install-resolve`; a script that was
-- copied by hand finds V2M by the environment variable V2M_HOME. Preferences are `resolve.json` in V2M's
-- configuration folder; each is described below.

local settings = {}

local files = need("files")
local trouble = need("trouble")

settings.VERSION = ADDRESSES.version

-- Name, kind and default of every preference.
local PREFERENCES = {
    prompt = { "string", "" }, -- words for every score that names none of its own
    takes = { "number", 1 }, -- how many to compose; the best is placed, the others wait in the bin
    markers = { "string", "Purple" }, -- Resolve's colour of the hit markers, or "off"
    picture = { "string", "media" }, -- "render": have Resolve render a small picture instead of reading the media
    notify = { "boolean", true }, -- show the outcome outside Resolve's console
    dialog = { "boolean", true }, -- ask in a window, where this is Studio
}

local function below_home(home)
    return {
        inbox = files.join(home, "inbox"),
        music = files.join(home, "resolve"),
        endpoint = files.join(home, "endpoint.json"),
        preferences = files.join(home, "resolve.json"),
        log = files.join(home, "resolve.log"),
    }
end

local function addresses()
    if ADDRESSES.inbox ~= "" then
        return ADDRESSES
    end
    local home = os.getenv("V2M_HOME")
    if home and home ~= "" then
        return below_home(home)
    end
    trouble.raise("usage", "This script does not know where V2M is.", "Run `v2m install-resolve` and start Resolve again.")
end

local function checked(name, value)
    local kind = PREFERENCES[name] and PREFERENCES[name][1]
    if not kind then
        trouble.raise("usage", ("resolve.json has a preference %q that V2M does not know."):format(name))
    elseif type(value) ~= kind then
        trouble.raise("usage", ("resolve.json has %s of kind %s, expected %s."):format(name, type(value), kind))
    end
    return value
end

-- All of them in one table; a preference that is not given has its default.
function settings.read()
    local found = {}
    for name, value in pairs(addresses()) do
        found[name] = value
    end
    for name, preference in pairs(PREFERENCES) do
        found[name] = preference[2]
    end
    local text = files.read(found.preferences)
    if text then
        local wished, why = need("json").decode(text)
        if type(wished) ~= "table" then
            trouble.raise("usage", found.preferences .. " cannot be read: " .. (why or "no object") .. ".")
        end
        for name, value in pairs(wished) do
            found[name] = checked(name, value)
        end
    end
    return found
end

return settings
