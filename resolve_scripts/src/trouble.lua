-- Errors: a table with code, message and hint, thrown by `error`, told as one sentence a person can act on.

local trouble = {}

local Trouble = {}
Trouble.__index = Trouble
Trouble.__tostring = function(self)
    return self.hint ~= "" and self.message .. " " .. self.hint or self.message
end

-- Throws; `code` is for programs, `message` says what was seen and expected, `hint` what to do.
function trouble.raise(code, message, hint, detail)
    error(setmetatable({ code = code, message = message, hint = hint or "", detail = detail or "" }, Trouble), 0)
end

-- Whatever `error` threw, as one of ours; what is none is a bug and says so.
function trouble.of(thrown)
    if getmetatable(thrown) == Trouble then
        return thrown
    end
    return setmetatable({
        code = "internal",
        message = "Something went wrong inside V2M's script: " .. tostring(thrown) .. ".",
        hint = "Please report it with the Resolve version.",
        detail = "",
    }, Trouble)
end

return trouble
