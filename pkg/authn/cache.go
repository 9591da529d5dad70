package authn

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxCachedTokens bounds each of the two generations of remembered tokens.
	maxCachedTokens = 4096
	// maxCachedFor makes a withdrawn signing key count within minutes, however long its tokens live.
	maxCachedFor = 5 * time.Minute
)

type tokenKey = [sha256.Size]byte

type cachedPrincipal struct {
	principal Principal
	until     time.Time
}

// tokenCache remembers verified tokens by their hash. It holds two generations: when the young one is full it becomes
// the old one, and the former old one is forgotten, so that the size is bounded and what is in use stays.
type tokenCache struct {
	size int

	mu         sync.Mutex
	young, old map[tokenKey]cachedPrincipal
}

func newTokenCache(size int) *tokenCache {
	return &tokenCache{size: size, young: map[tokenKey]cachedPrincipal{}}
}

// get returns the caller of a token that was verified and has not ended since.
func (c *tokenCache) get(key tokenKey, now time.Time) (Principal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.young[key]
	if !ok {
		if entry, ok = c.old[key]; ok {
			c.add(key, entry)
		}
	}
	if !ok || !now.Before(entry.until) {
		return Principal{}, false
	}
	return entry.principal, true
}

// put remembers a verified token until it ends or has to be verified again.
func (c *tokenCache) put(key tokenKey, p Principal, now, expiry time.Time) {
	until := now.Add(maxCachedFor)
	if expiry.Before(until) {
		until = expiry
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(key, cachedPrincipal{p, until})
}

// add needs the lock.
func (c *tokenCache) add(key tokenKey, entry cachedPrincipal) {
	if len(c.young) >= c.size {
		c.old, c.young = c.young, make(map[tokenKey]cachedPrincipal, c.size)
	}
	c.young[key] = entry
}
