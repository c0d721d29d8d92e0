package bridge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
)

// Identity is the agent's signing key (ECDSA on P-256 with SHA-256), by which
// pages that were allowed know it again. Pages have such a key too.
type Identity struct {
	private *ecdsa.PrivateKey
	public  []byte
}

const (
	// publicKeySize is that of an uncompressed point (SEC 1, section 2.3.3).
	publicKeySize = 65
	// signatureSize is r and s side by side, as in WebCrypto.
	signatureSize = 64
	nonceSize     = 32
)

const identityType = "PRIVATE KEY"

// OpenIdentity reads the key at path, or makes one there. A file that cannot be
// read is an error: with a new key every page would have to be allowed again.
func OpenIdentity(path string) (*Identity, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createIdentity(path)
	}
	if err != nil {
		return nil, err
	}
	damaged := errors.New("the agent's identity file is damaged; delete it, and allow your apps again")
	block, _ := pem.Decode(text)
	if block == nil || block.Type != identityType {
		return nil, damaged
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok || private.Curve != elliptic.P256() {
		return nil, damaged
	}
	return newIdentity(private)
}

func createIdentity(path string) (*Identity, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	if err := replaceFile(path, pem.EncodeToMemory(&pem.Block{Type: identityType, Bytes: encoded})); err != nil {
		return nil, err
	}
	return newIdentity(private)
}

func newIdentity(private *ecdsa.PrivateKey) (*Identity, error) {
	public, err := private.PublicKey.Bytes()
	return &Identity{private: private, public: public}, err
}

// sign signs a transcript.
func (i *Identity) sign(transcript []byte) ([]byte, error) {
	digest := sha256.Sum256(transcript)
	r, s, err := ecdsa.Sign(rand.Reader, i.private, digest[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, signatureSize)
	r.FillBytes(signature[:signatureSize/2])
	s.FillBytes(signature[signatureSize/2:])
	return signature, nil
}

// verify says whether the key signed the transcript. A key or a signature that
// is none did not.
func verify(publicKey, transcript, signature []byte) bool {
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), publicKey)
	if err != nil || len(signature) != signatureSize {
		return false
	}
	digest := sha256.Sum256(transcript)
	r := new(big.Int).SetBytes(signature[:signatureSize/2])
	s := new(big.Int).SetBytes(signature[signatureSize/2:])
	return ecdsa.Verify(public, digest[:], r, s)
}

// transcript is SHA-256 over a label and parts, each behind its length as four
// bytes, so that no two lists of parts read the same.
func transcript(label string, parts ...[]byte) []byte {
	hash := sha256.New()
	for _, part := range append([][]byte{[]byte("postern/v1/" + label)}, parts...) {
		hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		hash.Write(part)
	}
	return hash.Sum(nil)
}
