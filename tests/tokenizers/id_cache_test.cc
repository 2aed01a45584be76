#include "tokenizers/id_cache.h"

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

TEST(CacheKeyTest, KeysAreEqualForEqualBytesOnly) {
  const std::string long_text = "0123456789abcdefghij";
  for (size_t length = 0; length <= CacheKey::kMaxBytes; ++length) {
    const CacheKey key = CacheKey::FromReadable(long_text.data(), length);
    EXPECT_EQ(key, CacheKey::From(long_text.substr(0, length)));
    for (size_t other = 0; other < length; ++other) {
      EXPECT_FALSE(key == CacheKey::From(long_text.substr(0, other)));
    }
  }
  EXPECT_FALSE(CacheKey::From("a") == CacheKey::From(std::string("a\0", 2)));
}

TEST(IdCacheTest, KeepsShortAndLongRowsOfIds) {
  IdCache cache(4096);
  const std::map<std::string, std::vector<int32_t>> rows = {
      {"none", {}}, {"one", {7}}, {"three", {1, 2, 3}}, {"five", {9, 8, 7, 6, 5}}};
  for (const auto& [text, ids] : rows) {
    const CacheKey key = CacheKey::From(text);
    EXPECT_EQ(cache.Find(key, key.Hash()), nullptr);
    cache.Insert(key, key.Hash(), ids);
  }
  for (const auto& [text, ids] : rows) {
    const CacheKey key = CacheKey::From(text);
    const IdCache::Entry* entry = cache.Find(key, key.Hash());
    ASSERT_NE(entry, nullptr) << text;
    EXPECT_THAT(cache.Ids(*entry), ElementsAreArray(ids)) << text;
  }
}

TEST(IdCacheTest, WhatItFindsAfterGrowingAndEvictingIsWhatWasPutIn) {
  IdCache cache(16384);
  size_t found = 0;
  constexpr int kKeys = 100'000;
  const auto ids_of = [](int i) { return std::vector<int32_t>(static_cast<size_t>(i % 6), i); };
  for (int i = 0; i < kKeys; ++i) {
    const CacheKey key = CacheKey::From(std::to_string(i));
    cache.Insert(key, key.Hash(), ids_of(i));
  }
  for (int i = 0; i < kKeys; ++i) {
    const CacheKey key = CacheKey::From(std::to_string(i));
    if (const IdCache::Entry* entry = cache.Find(key, key.Hash())) {
      ++found;
      ASSERT_THAT(cache.Ids(*entry), ElementsAreArray(ids_of(i)));
    }
  }
  EXPECT_GT(found, 8192u);
  EXPECT_LE(found, 16384u);
}

}  // namespace
}  // namespace graft
