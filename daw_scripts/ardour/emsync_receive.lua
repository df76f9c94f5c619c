ardour {
	["type"]    = "EditorAction",
	name        = "EMSYNC: receive",
	license     = "Apache-2.0",
	author      = "EMSYNC",
	description = "Takes what EMSYNC has sent, once; for those who do not want the listener to run all the time.",
}

function factory ()
	return function ()
		local core = assert (loadfile (ARDOUR.user_config_directory (-1) .. "/emsync/emsync_core.lua")) ()
		core.alive ()
		core.receive ()
	end
end
