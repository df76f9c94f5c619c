ardour {
	["type"]    = "EditorAction",
	name        = "EMSYNC: another take of the selection",
	license     = "Apache-2.0",
	author      = "EMSYNC",
	description = "Composes the selected range of the selected tracks anew; every other note stays. Without a range: the selected regions, or the loop. Without tracks: all parts.",
}

function factory ()
	return function ()
		local core = assert (loadfile (ARDOUR.user_config_directory (-1) .. "/emsync/emsync_core.lua")) ()
		local ok, why = pcall (core.regenerate)
		if not ok then
			LuaDialog.Message ("EMSYNC", tostring (why), LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run ()
		end
	end
end
