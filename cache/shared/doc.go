// Package shared is what gateways with the same buckets share, over Redis or Valkey: who pulls which object, what
// origins lack, what has been saved, how much an origin may be asked, and who is there.
//
// Redis holds hints and leases, never truth: what it says may be old, lost, or somebody else's. None of it can make a
// gateway answer a wrong byte, and without it every request is answered by local means. No call waits longer for it
// than a fraction of a second, and none at all while it is known to be away.
//
// Bodies do not pass through Redis: a gateway that needs an object which another one is pulling streams it from that
// gateway, over HTTP, authenticated both ways by the fleet's secret.
//
// Notes in Redis are named mirrorgate:1:NAMESPACE:…, where the namespace follows from the secret: fleets that have
// different secrets may use one Redis. Every note has an end of its own, or is bounded in number.
package shared
