package main

import "mirrorgate/configs"

// effective is what the file says.
func (p *process) effective(file *configs.Config) (*configs.Config, error) { return file, nil }
