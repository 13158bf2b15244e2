// SPDX-License-Identifier: MIT
// What happened:  a scribbled probation bit that stands for no chunk led the hand past the page's last one: an item was stored across the page's end.
// Found by:       fuzzing (damaged images).
// Mended:         such a bit ends the search of its page (Hands::search_probation_page_locked).
#include <gtest/gtest.h>

#include <string>

#include "issues/moment.h"

namespace carafe::test {
namespace {

TEST(Issues, ABitBeyondThePagesChunksIsPassedOver) {
  Stage stage;
  stage.fill(1'000);
  for (int i = 0; i < 800; ++i) static_cast<void>(stage.cache().get("full" + std::to_string(i)));  // used, so none of them ends the search
  const Peer peer(stage.name());
  const std::uint32_t size_class = peer.classes.item_class(1'030);
  const std::uint32_t chunks = peer.classes.shape(size_class).chunks;
  ASSERT_LT(chunks, 64U);
  // Not in the last page: what lies beyond it is nobody's.
  for (std::uint32_t page = 0; page + 1 < stage.view().geometry().page_count; ++page) {
    if (peer.slabs.page_class(page) != size_class) continue;
    auto& bits = peer.slabs.probation_bits(page, size_class).probation(0);
    bits.store(bits.load(kRelaxed) | (~std::uint64_t{0} << chunks), kRelaxed);
  }
  for (int i = 0; i < 300; ++i) stage.put("more" + std::to_string(i), text('m', 1'000));
  for (const std::string& problem : stage.cache().verify().problems) ADD_FAILURE() << problem;
}

}  // namespace
}  // namespace carafe::test
