// SPDX-License-Identifier: Apache-2.0
// PrefixTrie: which prefixes there are of an address or of another value, and how many of its first bits tell which of them it has.
//
// A binary trie without nodes that only lead on.  Keys stand at the upper end of 128 bits; lengths are in bits, 1 to 128.  A node is 32 bytes, there are
// fewer than two for each prefix.  It costs some hundred instructions to keep a prefix, so none is kept before somebody asks: the trie is idle until it was
// started.  More than kMostPrefixes are not kept: then it says nothing (overflowed) until it was cleared.  Plain object, one thread.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

class PrefixTrie {
 public:
  using Key = unsigned __int128;
  static constexpr unsigned kKeyBits = 128;
  static constexpr uint32_t kMostPrefixes = 1u << 15;   // so that a table of a million addresses does not pay for them

  struct Found {
    Key lengths = 0;       // bit n - 1: the value has a prefix of n bits that is there
    unsigned bits = 0;     // all values that begin with so many bits of this one find the same
    bool has(unsigned length) const { return lengths >> (length - 1) & 1; }
  };

  bool is_idle() const { return state_ == State::idle; }
  /// All prefixes are inserted now, and from now on.
  void start() { state_ = State::kept; }
  /// REQUIRES: bits of key behind length are zero.  A prefix may be there several times.  Nothing happens in an idle trie, nor in one that is overflowed.
  void insert(Key key, unsigned length);
  /// REQUIRES: it is there.
  void erase(Key key, unsigned length);
  Found find(Key value) const;
  /// Idle again.
  void clear() { *this = {}; }
  /// Prefixes were left out.
  bool overflowed() const { return state_ == State::overflowed; }
  uint32_t size() const { return size_; }   // different prefixes

  static constexpr Key first_bits(unsigned n) { return n ? ~Key{} << (kKeyBits - n) : 0; }

 private:
  enum class State : uint8_t { idle, kept, overflowed };
  static constexpr uint32_t kNone = 0;      // node 0 is not used
  struct Node {
    Key prefix;
    uint32_t child[2];                      // by the next bit
    uint32_t count;                         // how often it is there; 0: it only parts two
    uint32_t length;
  };
  static unsigned bit(Key key, unsigned n) { return n < kKeyBits ? static_cast<unsigned>(key >> (kKeyBits - 1 - n)) & 1 : 0; }
  static unsigned common(const Node& n, Key key);
  uint32_t make(Key prefix, unsigned length, uint32_t count);
  void drop(uint32_t* link);

  std::vector<Node> nodes_;
  uint32_t root_ = kNone, free_ = kNone, size_ = 0;
  State state_ = State::idle;
};

}  // namespace sluice
