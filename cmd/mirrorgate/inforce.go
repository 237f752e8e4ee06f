package main

import "mirrorgate/configs"

// config is the configuration in force. It is not changed.
func (p *process) config() *configs.Config { return p.cfg }
