// SPDX-License-Identifier: Apache-2.0
// GenlSocket against a kernel that answers as written here: dumps during which things change, and dumps that fail.
#include "datapath/kernel/genl_socket.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <sys/socket.h>

namespace sluice {
namespace {

constexpr GenlCommand kCommand{.family = 0x20, .command = 3, .version = 1};

class Dumps : public testing::Test {
 protected:
  Dumps() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    socket.emplace(GenlSocket::over(UniqueFd(ends[0])));
    kernel.reset(ends[1]);
  }
  /// One datagram of the answer to dump number `seq`: an object of each number, and the end.
  void answer(uint32_t seq, uint16_t flags, std::initializer_list<int> objects, uint16_t end = NLMSG_DONE) {
    Bytes out;
    for (int number : objects) end_request(out, begin_request(out, kCommand, number), kCommand, NLM_F_MULTI | flags, seq);
    nlmsghdr done{.nlmsg_len = sizeof(nlmsghdr) + sizeof(int), .nlmsg_type = end, .nlmsg_flags = static_cast<uint16_t>(NLM_F_MULTI | flags), .nlmsg_seq = seq, .nlmsg_pid = 0};
    int error = end == NLMSG_ERROR ? -ENODEV : 0;
    auto put = [&](const void* p, size_t n) { out.insert(out.end(), static_cast<const uint8_t*>(p), static_cast<const uint8_t*>(p) + n); };
    put(&done, sizeof done), put(&error, sizeof error);
    ASSERT_EQ(::send(kernel.get(), out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
  }
  int dump() {
    return socket->dump(kCommand, 0, [&] { begun++, seen.clear(); }, [&](const GenlMessage& m) { seen.push_back(m.dp_ifindex); });
  }
  std::optional<GenlSocket> socket;
  UniqueFd kernel;
  std::vector<int> seen;
  int begun = 0;
};

TEST_F(Dumps, BeginAgainIfThingsChangedMeanwhile) {
  answer(1, NLM_F_DUMP_INTR, {1, 2, 2});
  answer(2, 0, {1, 2, 3});
  EXPECT_EQ(dump(), 0);
  EXPECT_EQ(begun, 2);
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
}

TEST_F(Dumps, EndWithWhatThereIsIfThingsChangeAllTheTime) {
  for (uint32_t seq = 1; seq <= 4; seq++) answer(seq, NLM_F_DUMP_INTR, {static_cast<int>(seq)});
  EXPECT_EQ(dump(), 0);
  EXPECT_EQ(begun, 4);
  EXPECT_EQ(seen, std::vector{4});
}

TEST_F(Dumps, PassOverWhatIsOfAnEarlierOne) {
  answer(77, 0, {9});
  answer(1, 0, {1});
  EXPECT_EQ(dump(), 0);
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(seen, std::vector{1});
}

TEST_F(Dumps, FailIfTheKernelSaysSoOrIsGone) {
  answer(1, 0, {}, NLMSG_ERROR);
  EXPECT_EQ(dump(), EIO);
  kernel.reset();
  EXPECT_NE(dump(), 0);
}

}  // namespace
}  // namespace sluice
