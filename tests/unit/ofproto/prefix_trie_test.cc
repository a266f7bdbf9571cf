// SPDX-License-Identifier: Apache-2.0
// The trie of prefixes against a list of them.
#include "ofproto/prefix_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using Key = PrefixTrie::Key;

class Source {
 public:
  explicit Source(uint32_t seed) : random_(seed) {}
  unsigned below(unsigned n) { return random_() % n; }
  /// Some bits at the upper and the lower end, so that prefixes have much in common.
  Key value() { return Key{below(16)} << 124 | Key{below(4)} << 63 | Key{below(8)}; }
  std::pair<Key, unsigned> prefix() {
    static constexpr unsigned kLengths[] = {1, 2, 3, 4, 5, 64, 65, 66, 126, 127, 128};
    unsigned length = below(3) ? kLengths[below(std::size(kLengths))] : 1 + below(128);
    return {value() & PrefixTrie::first_bits(length), length};
  }

 private:
  std::mt19937 random_;
};

TEST(PrefixTrieTest, FindsWhatAListFindsByTheBitsThatItSays) {
  for (uint32_t seed = 0; seed < 40; seed++) {
    Source source(seed);
    PrefixTrie trie;
    trie.start();
    std::vector<std::pair<Key, unsigned>> list;
    auto expected = [&](Key value) {
      Key lengths = 0;
      for (auto& [key, length] : list)
        if ((value & PrefixTrie::first_bits(length)) == key) lengths |= Key{1} << (length - 1);
      return lengths;
    };
    for (int step = 0; step < 300; step++) {
      if (!list.empty() && source.below(100) < (seed % 2 ? 40u : 52u)) {
        size_t i = source.below(static_cast<unsigned>(list.size()));
        trie.erase(list[i].first, list[i].second);
        list.erase(list.begin() + static_cast<ptrdiff_t>(i));
      } else {
        list.push_back(source.prefix());
        trie.insert(list.back().first, list.back().second);
      }
      auto different = list;
      std::ranges::sort(different);
      ASSERT_EQ(trie.size(), std::unique(different.begin(), different.end()) - different.begin());
      Key value = source.value();
      PrefixTrie::Found found = trie.find(value);
      ASSERT_TRUE(found.lengths == expected(value)) << "seed " << seed << " step " << step;
      for (int other = 0; other < 10; other++) {
        Key same = PrefixTrie::first_bits(found.bits), v = (value & same) | (source.value() & ~same);
        ASSERT_TRUE(expected(v) == found.lengths) << "seed " << seed << " step " << step << " bits " << found.bits;
      }
    }
    for (auto& [key, length] : list) trie.erase(key, length);
    EXPECT_EQ(trie.size(), 0u);
    EXPECT_EQ(trie.find(source.value()).bits, 0u);
  }
}

TEST(PrefixTrieTest, ReadsNoMoreBitsThanItMust) {
  PrefixTrie trie;
  trie.start();
  EXPECT_EQ(trie.find(5).bits, 0u);
  trie.insert(Key{0x0a} << 120, 8);
  EXPECT_EQ(trie.find(Key{0x0b} << 120).bits, 8u);
  EXPECT_EQ(trie.find(Key{0x8a} << 120).bits, 1u);
  EXPECT_EQ(trie.find(Key{0x0a80} << 112).bits, 8u);    // nothing is longer
  trie.insert(Key{0x0a01} << 112, 16);
  EXPECT_EQ(trie.find(Key{0x0a80} << 112).bits, 9u);
  EXPECT_EQ(trie.find(Key{0x0a01ff} << 104).bits, 16u);
}

TEST(PrefixTrieTest, SaysWhenItHasTooMany) {
  PrefixTrie trie;
  trie.insert(5, 128);
  EXPECT_EQ(trie.size(), 0u);      // idle yet
  trie.start();
  for (uint32_t i = 0; i < PrefixTrie::kMostPrefixes; i++) trie.insert(Key{i} << 96, 32);
  EXPECT_FALSE(trie.overflowed());
  trie.insert(Key{3} << 96, 32);   // is there
  EXPECT_FALSE(trie.overflowed());
  trie.insert(Key{PrefixTrie::kMostPrefixes} << 96, 32);
  EXPECT_TRUE(trie.overflowed());
  EXPECT_EQ(trie.size(), 0u);
  trie.clear();
  EXPECT_FALSE(trie.overflowed());
}

}  // namespace
}  // namespace sluice
