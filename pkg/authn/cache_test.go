package authn

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

func TestTokenCacheIsBounded(t *testing.T) {
	t.Parallel()
	const size = 8
	c, now := newTokenCache(size), time.Unix(0, 0)
	key := func(i int) tokenKey { return sha256.Sum256([]byte(fmt.Sprint(i))) }
	for i := range 100 {
		c.put(key(i), Principal{Subject: fmt.Sprint(i)}, now, now.Add(time.Hour))
		if len(c.young) > size || len(c.old) > size {
			t.Fatalf("%d and %d entries", len(c.young), len(c.old))
		}
		if p, ok := c.get(key(i), now); !ok || p.Subject != fmt.Sprint(i) {
			t.Fatalf("%d is not there: %v", i, p)
		}
		if _, ok := c.get(key(0), now); !ok {
			t.Fatalf("what is in use was forgotten at %d", i)
		}
	}
	if _, ok := c.get(key(50), now); ok {
		t.Error("what is not in use was kept")
	}
	if _, ok := c.get(key(99), now.Add(maxCachedFor)); ok {
		t.Error("an entry outlived its time")
	}
}
