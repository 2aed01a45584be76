#include "tokenizers/lanes/id_cache.h"

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft {
namespace {

using ::testing::ElementsAreArray;

template <typename Cache>
class IdCacheTest : public ::testing::Test {};
using Caches = ::testing::Types<IdCache<2>, IdCache<4>>;
TYPED_TEST_SUITE(IdCacheTest, Caches);

TYPED_TEST(IdCacheTest, KeysAreEqualForEqualBytesOnly) {
  using Key = typename TypeParam::Key;
  const std::string long_text = "0123456789abcdefghijklmnopqrstuvwxyz";
  for (size_t length = 0; length <= Key::kMaxBytes; ++length) {
    const Key key = Key::FromReadable(long_text.data(), length);
    EXPECT_EQ(key, Key::From(long_text.substr(0, length)));
    for (size_t other = 0; other < length; ++other) {
      EXPECT_FALSE(key == Key::From(long_text.substr(0, other)));
    }
  }
  EXPECT_FALSE(Key::From("a") == Key::From(std::string("a\0", 2)));
}

TYPED_TEST(IdCacheTest, KeepsShortAndLongRowsOfIds) {
  TypeParam cache(4096);
  const std::map<std::string, std::vector<int32_t>> rows = {
      {"none", {}}, {"one", {7}}, {"three", {1, 2, 3}}, {"nine", {9, 8, 7, 6, 5, 4, 3, 2, 1}}};
  for (const auto& [text, ids] : rows) {
    const auto key = TypeParam::Key::From(text);
    EXPECT_EQ(cache.Find(key, key.Hash()), nullptr);
    cache.Insert(key, key.Hash(), ids);
  }
  for (const auto& [text, ids] : rows) {
    const auto key = TypeParam::Key::From(text);
    const auto* entry = cache.Find(key, key.Hash());
    ASSERT_NE(entry, nullptr) << text;
    EXPECT_THAT(cache.Ids(*entry), ElementsAreArray(ids)) << text;
  }
}

TYPED_TEST(IdCacheTest, WhatItFindsAfterGrowingAndEvictingIsWhatWasPutIn) {
  TypeParam cache(16384);
  size_t found = 0;
  constexpr int kKeys = 100'000;
  const auto ids_of = [](int i) { return std::vector<int32_t>(static_cast<size_t>(i % 10), i); };
  for (int i = 0; i < kKeys; ++i) {
    const auto key = TypeParam::Key::From(std::to_string(i));
    cache.Insert(key, key.Hash(), ids_of(i));
  }
  for (int i = 0; i < kKeys; ++i) {
    const auto key = TypeParam::Key::From(std::to_string(i));
    if (const auto* entry = cache.Find(key, key.Hash())) {
      ++found;
      ASSERT_THAT(cache.Ids(*entry), ElementsAreArray(ids_of(i)));
    }
  }
  EXPECT_GT(found, 8192u);
  EXPECT_LE(found, 16384u);
}

}  // namespace
}  // namespace graft
