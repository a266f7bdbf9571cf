// SPDX-License-Identifier: Apache-2.0
// Whole files: reading with a limit, replacing without a moment in which neither the old nor the new content is there.
#include "lib/files.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "lib/directories.h"
#include "lib/random.h"

namespace sluice {
namespace {

struct FilesTest : testing::Test {
  FilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice.XXXXXX").string();
    dir = mkdtemp(name.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(dir); }
  std::string dir;
};

TEST_F(FilesTest, ReplaceAndRead) {
  std::string path = dir + "/f", big(1'000'000, 'x');
  for (const std::string& content : {std::string("one"), big, std::string(), std::string("a\0b", 3)}) {
    ASSERT_TRUE(replace_file(path, content, 0640));
    EXPECT_EQ(read_file(path), content);
  }
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir), {}), 1);  // no temporary file is left
}

TEST_F(FilesTest, Errors) {
  EXPECT_EQ(read_file(dir + "/none").error().error, ENOENT);
  EXPECT_EQ(read_file(dir).error().error, EISDIR);
  ASSERT_TRUE(replace_file(dir + "/f", "12345"));
  EXPECT_EQ(read_file(dir + "/f", 4).error().error, EFBIG);
  EXPECT_EQ(*read_file(dir + "/f", 5), "12345");
  EXPECT_EQ(replace_file(dir + "/no/f", "x").error().error, ENOENT);
  ASSERT_TRUE(std::filesystem::create_directory(dir + "/d"));
  EXPECT_FALSE(replace_file(dir + "/d", "x"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir), {}), 2);
}

TEST(Directories, Resolve) {
  EXPECT_EQ(resolve_path("/run", "x"), "/run/x");
  EXPECT_EQ(resolve_path("/run", "/x"), "/x");
  EXPECT_EQ(resolve_path("", "x"), "x");
}

TEST(Random, SameSeedSameNumbers) {
  Random a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; i++) {
    uint64_t x = a.next();
    EXPECT_EQ(x, b.next());
    differs |= x != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Random, BelowIsUniform) {
  Random random(3);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70000; i++) seen[random.below(7)]++;
  for (int n : seen) EXPECT_NEAR(n, 10000, 500);
  EXPECT_EQ(random.below(1), 0u);
}

}  // namespace
}  // namespace sluice
