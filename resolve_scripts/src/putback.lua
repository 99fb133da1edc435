-- What must be as it was on every way out: success, error and cancel alike.

local putback = {}

local stack = {}

-- Remember how to undo a change; call it before the change is made.
function putback.later(undo)
    stack[#stack + 1] = undo
end

-- Undo everything, the last change first. One that fails does not keep the others from it.
function putback.all()
    while #stack > 0 do
        pcall(table.remove(stack))
    end
end

-- Do something between remembering and undoing; what it throws goes on afterwards.
function putback.around(work)
    local good, thrown = pcall(work)
    putback.all()
    if not good then
        error(thrown, 0)
    end
    return thrown
end

return putback
