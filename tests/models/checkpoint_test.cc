#include "models/checkpoint.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

TEST(LoadTensorsTest, Float8IsReadButNotWhereATensorBesideItScalesIt) {
  const TemporaryFolder folder;
  const std::vector<char> bytes(2, '\x38');
  ASSERT_THAT(WriteSafetensors(folder / "model.safetensors",
                               {{"scaled", DType::kF8E4M3, {2}, bytes},
                                {"scaled_scale_inv", DType::kF8E8M0, {2}, bytes},
                                {"plain", DType::kF8E4M3, {2}, bytes}},
                               {}),
              IsOk());
  const auto files = WeightFiles::OpenFolder(folder.path());
  ASSERT_THAT(files, IsOk());
  const std::vector<SlotLayout> plain = {{{{"plain", {2}}}}}, scaled = {{{{"scaled", {2}}}}};
  const auto loaded = LoadTensors(*files, plain, "");
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->tensors[0].const_data_ptr<float>()[1], 1);
  EXPECT_THAT(LoadTensors(*files, scaled, ""),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'scaled': expected numbers as they are, found F8_E4M3")));
}

}  // namespace
}  // namespace graft
