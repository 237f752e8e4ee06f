//go:build !race

package gateway_test

// pools tells whether sync.Pool keeps what is put into it.
const pools = true
