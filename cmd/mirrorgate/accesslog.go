package main

import "mirrorgate/gateway"

// openAccessLog returns what writes the lines; nil: nobody wants any.
func (p *process) openAccessLog() (func(*gateway.Answered), error) {
	c := p.config().Log
	if c.Access == "" {
		return nil, nil
	}
	l, err := gateway.OpenAccessLog(c.Access, gateway.AccessFormat(c.AccessFormat), p.log)
	if err != nil {
		return nil, err
	}
	p.access = l
	return l.Tell, nil
}

// runAccessLog writes it until the end of the process's life, and then what is left.
func (p *process) runAccessLog() {
	if p.access == nil {
		return
	}
	p.running.Go(func() {
		if err := p.access.Run(p.life); err != nil {
			p.log.Warn("the access log may lack its end", "err", err)
		}
	})
}
