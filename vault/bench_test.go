package vault_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"postern/vault"
	"postern/vault/seal"
	"postern/vault/vaulttest"
)

var sizes = []int{10, 10_000, 100_000}

// benchVault returns an open vault of n secrets and its key.
func benchVault(b *testing.B, n int) (*vault.Vault, string, *seal.VaultKey) {
	b.Helper()
	accounts, dir := vaulttest.Accounts(b, vault.Options{})
	v := accounts.Vault(vault.LocalAccount)
	key, err := v.Create(b.Context(), true)
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	for i := range n {
		fmt.Fprintf(&file, "%s=value of secret number %d\n", secretName(i), i)
	}
	if _, err := v.Import(b.Context(), &file, vault.ImportOptions{}); err != nil {
		b.Fatal(err)
	}
	return v, vaultFile(dir), key
}

func secretName(i int) string { return fmt.Sprintf("team-%d/service-%d/Token", i%97, i) }

// ratios times two things in turn, round after round, and reports the median of
// their ratios: what else the machine does then falls on both.
func ratios(b *testing.B, unit string, ours, floor func()) {
	b.Helper()
	var all []float64
	for b.Loop() {
		begin := time.Now()
		floor()
		middle := time.Now()
		ours()
		all = append(all, float64(time.Since(middle))/float64(middle.Sub(begin)))
	}
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2], unit)
	b.ReportMetric(0, "ns/op")
}

func check(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

// Open against reading the file and opening as many boxes of the same size.
func BenchmarkOpen(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			v, path, key := benchVault(b, n)
			v.Lock(vault.LockerOwner)
			keys, _, err := seal.NewDataKey(seal.NewHeader(), key, 1)
			check(b, err)
			box := keys.Seal(seal.PartRecord, seal.ID{}, 1, make([]byte, 100))
			ratios(b, "x-floor",
				func() { check(b, v.Open(b.Context(), key)); b.StopTimer(); v.Lock(vault.LockerOwner); b.StartTimer() },
				func() {
					_, err := os.ReadFile(path)
					check(b, err)
					for range n {
						_, _, err := keys.Open(seal.PartRecord, seal.ID{}, box)
						check(b, err)
					}
				})
		})
	}
}

// Reveal in a large vault against a small one.
func BenchmarkReveal(b *testing.B) {
	small, _, _ := benchVault(b, 10)
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			large, _, _ := benchVault(b, n)
			i := 0
			reveal := func(v *vault.Vault, of int) func() {
				return func() {
					for range 100 {
						i = (i + 7919) % of
						_, err := v.Reveal(b.Context(), secretName(i))
						check(b, err)
					}
				}
			}
			ratios(b, "x-of-10", reveal(large, n), reveal(small, 10))
			b.ReportMetric(testing.AllocsPerRun(100, func() { _, _ = large.Reveal(b.Context(), secretName(1)) }), "allocs/reveal")
		})
	}
}

// One durable write against two 4 KiB overwrites, each with its own sync.
func BenchmarkWrite(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			v, path, _ := benchVault(b, n)
			ratios(b, "x-2syncs", write(b, v, "one"), twoSyncs(b, path))
		})
	}
}

func write(b *testing.B, v *vault.Vault, name string) func() {
	return func() {
		_, err := v.Set(b.Context(), name, vault.Edit{Value: []byte(rand.Text())})
		check(b, err)
	}
}

func twoSyncs(b *testing.B, path string) func() {
	f, err := os.Create(filepath.Join(filepath.Dir(path), "floor"))
	check(b, err)
	b.Cleanup(func() { f.Close() })
	page := make([]byte, 4096)
	_, err = f.Write(make([]byte, 64<<10))
	check(b, err)
	return func() {
		for i := range 2 {
			rand.Read(page[:16])
			_, err := f.WriteAt(page, int64(i*4096))
			check(b, err)
			check(b, syncData(f))
		}
	}
}

// 64 writers at once against one.
func BenchmarkWriters64(b *testing.B) {
	v, _, _ := benchVault(b, 10_000)
	one := write(b, v, "one")
	many := make([]func(), 64)
	for i := range many {
		many[i] = write(b, v, fmt.Sprint("writer ", i))
	}
	ratios(b, "x-one", func() {
		var group sync.WaitGroup
		for _, f := range many {
			group.Go(f)
		}
		group.Wait()
	}, one)
}

// A page of 100, a filter and the whole list against copying as many entries.
func BenchmarkList(b *testing.B) {
	for _, n := range sizes {
		v, _, _ := benchVault(b, n)
		for what, q := range map[string]vault.Query{"page": {Limit: 100}, "filter": {Filter: "service-77"}, "all": {}} {
			b.Run(fmt.Sprint(what, "/", n), func(b *testing.B) {
				for b.Loop() {
					_, _, err := v.List(b.Context(), q)
					check(b, err)
				}
			})
		}
	}
}
