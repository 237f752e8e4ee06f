// Package migration_test rehearses a migration with the program itself, from an origin that stands alone to one that is
// switched off, and holds what the migration view says at each step against what the clients have counted.
package migration_test
