#include "vmm_delegate/hypervisor/libvirt/shared_question.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/common/support.h"

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kPatience{10'000};

struct Oracle {
  std::atomic<int> asked = 0;
  std::atomic<bool> speaks = false;
};

SharedQuestion question_to(const std::shared_ptr<Oracle>& oracle) {
  return SharedQuestion([oracle]() -> Result<void> {
    ++oracle->asked;
    while (!oracle->speaks) std::this_thread::sleep_for(Milliseconds(1));
    return fail(ErrorCode::conflict, "as it said");
  });
}

TEST(SharedQuestion, IsAskedOnceHoweverManyWait) {
  const auto oracle = std::make_shared<Oracle>();
  SharedQuestion question = question_to(oracle);
  BoundedCalls calls(2, "the oracle");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(question.answer(calls, Milliseconds(10)).error().code, ErrorCode::timeout);
  }
  EXPECT_EQ(oracle->asked, 1);
  oracle->speaks = true;
  EXPECT_EQ(question.answer(calls, kPatience).error().code, ErrorCode::conflict)
      << "the answer that was waited for, or a new one";
  EXPECT_LE(oracle->asked, 2);
}

TEST(SharedQuestion, OneThatCouldNotBeAskedIsAskedAgain) {
  const auto oracle = std::make_shared<Oracle>();
  SharedQuestion question = question_to(oracle);
  BoundedCalls none(0, "the oracle");
  EXPECT_EQ(question.answer(none, kPatience).error().code, ErrorCode::overloaded);
  BoundedCalls one(1, "the oracle");
  oracle->speaks = true;
  EXPECT_EQ(question.answer(one, kPatience).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace vbs::vmm_delegate
