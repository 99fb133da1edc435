-- A small window that asks for the words, where this Resolve is Studio.
--
-- The free edition has had no windows for scripts since 19.1; touching them there opens a notice of Resolve's
-- that makes every later call fail, so the edition is asked first. Without a window the marker V2M speaks.

local dialog = {}

local say = need("say")

local function window(ui, dispatcher, wanted, title)
    return dispatcher:AddWindow({ ID = "V2M", WindowTitle = title, Geometry = { 400, 300, 480, 150 } }, {
        ui:VGroup({
            ui:Label({ Text = "Style, mood, instruments, tempo:" }),
            ui:LineEdit({ ID = "Prompt", Text = wanted.prompt or "", PlaceholderText = "cinematic, hopeful, strings" }),
            ui:HGroup({
                ui:CheckBox({ ID = "Range", Text = "Only between the in and out marks", Checked = true }),
                ui:Label({ Text = "Takes" }),
                ui:SpinBox({ ID = "Takes", Minimum = 1, Maximum = 16, Value = wanted.takes or 1 }),
            }),
            ui:HGroup({ ui:Button({ ID = "Go", Text = "Go" }), ui:Button({ ID = "Leave", Text = "Cancel" }) }),
        }),
    })
end

local function ask(wanted, title)
    local ui, dispatcher = fu.UIManager, bmd.UIDispatcher(fu.UIManager)
    local shown = window(ui, dispatcher, wanted, title)
    local items, went = shown:GetItems(), false
    local function close()
        dispatcher:ExitLoop()
    end
    shown.On.Go.Clicked = function()
        went = true
        close()
    end
    shown.On.Leave.Clicked, shown.On.V2M.Close = close, close
    shown:Show()
    dispatcher:RunLoop()
    shown:Hide()
    if not went then
        return false
    end
    if items.Prompt.Text ~= "" then
        wanted.prompt = items.Prompt.Text
    end
    wanted.takes = items.Takes.Value > 1 and items.Takes.Value or nil
    wanted.whole = not items.Range.Checked
    return true
end

-- Let the user say what they want; false where they would rather not. Without a window nothing changes.
function dialog.ask(editor, preferences, wanted, title)
    if not editor.is_studio or not preferences.dialog or not rawget(_G, "fu") or not rawget(_G, "bmd") then
        return true
    end
    local good, answer = pcall(ask, wanted, title)
    if not good then
        say.line("Resolve shows no window for scripts here; the marker V2M says what is wanted.")
        return true
    end
    return answer
end

return dialog
