#include "tests/unit/vmm_delegate/freeze_fixture.h"

namespace vbs::vmm_delegate {
namespace {

using test::test_id;

using FreezeServiceTest = FreezeFixture;

TEST_F(FreezeServiceTest, FreezesFilesAndStopsProcessors) {
  const auto frozen = service.put(id, {"vm1", 5'000, true});
  ASSERT_TRUE(frozen);
  EXPECT_EQ(frozen->state, "frozen");
  EXPECT_EQ(frozen->consistency, "file-system");
  EXPECT_EQ(frozen->remaining_ms, 5'000);
  EXPECT_TRUE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ(hypervisor.state("vm1"), "paused");
  EXPECT_TRUE(helper.armed(id));

  const auto thawed = service.remove(id);
  ASSERT_TRUE(thawed && *thawed);
  EXPECT_EQ((*thawed)->state, "thawed");
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ(hypervisor.state("vm1"), "running");
}

TEST_F(FreezeServiceTest, AgainIsHarmless) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  ASSERT_TRUE(service.remove(id));
  const auto again = service.remove(id);
  ASSERT_TRUE(again && *again);
  EXPECT_EQ((*again)->state, "thawed");
  EXPECT_EQ(hypervisor.effects(), (std::vector<std::string>{"freeze_files vm1", "pause vm1",
                                                            "resume vm1", "thaw_files vm1"}));
}

TEST_F(FreezeServiceTest, AnEndedIdFreezesNothing) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  ASSERT_TRUE(service.remove(id));
  const auto late = service.put(id, {"vm1", 5'000, true});
  ASSERT_TRUE(late);
  EXPECT_EQ(late->state, "thawed");
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
}

TEST_F(FreezeServiceTest, AThawThatOvertookItsFreezeWins) {
  const auto nothing = service.remove(id);
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  const auto late = service.put(id, {"vm1", 5'000, true});
  ASSERT_TRUE(late);
  EXPECT_EQ(late->state, "thawed");
  EXPECT_EQ(late->vm, "vm1");
  EXPECT_TRUE(hypervisor.effects().empty());
}

TEST_F(FreezeServiceTest, WithoutAgentAndPauseThereIsNothingToHold) {
  const auto frozen = service.put(id, {"bare", 5'000, false});
  ASSERT_TRUE(frozen);
  EXPECT_EQ(frozen->state, "frozen");
  EXPECT_EQ(frozen->consistency, "crash");
  EXPECT_FALSE(helper.armed(id));
  EXPECT_EQ((*service.remove(id))->state, "thawed");
  EXPECT_TRUE(hypervisor.effects().empty());
}

TEST_F(FreezeServiceTest, AnotherVmOfTheNameIsNotHeld) {
  const auto first = hypervisor.vm("vm1")->uuid;
  ASSERT_EQ(service.put(id, {"vm1", 5'000, true, first})->state, "frozen");
  ASSERT_TRUE(service.remove(id));
  hypervisor.add_vm("vm1", true);
  const auto off = service.put(test_id(2), {"vm1", 5'000, true, first});
  ASSERT_TRUE(off);
  EXPECT_EQ(off->state, "off");
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ(hypervisor.state("vm1"), "running");
}

TEST_F(FreezeServiceTest, WithoutAgentItIsPausedOnly) {
  const auto frozen = service.put(id, {"bare", 5'000, true});
  ASSERT_TRUE(frozen);
  EXPECT_EQ(frozen->consistency, "crash");
  EXPECT_EQ(hypervisor.state("bare"), "paused");
}

TEST_F(FreezeServiceTest, TheLeaseThaws) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  clock.advance(std::chrono::milliseconds(4'999));
  EXPECT_EQ(helper.look(), 0);
  EXPECT_EQ(hypervisor.state("vm1"), "paused");
  clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(helper.look(), 0);
  EXPECT_EQ(hypervisor.state("vm1"), "running");
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ((*service.remove(id))->state, "expired");
  EXPECT_EQ(service.get(id)->state, "expired");
  EXPECT_EQ(service.put(id, {"vm1", 5'000, true})->state, "expired");
}

// The agent, or QEMU, takes so long that the lease ends meanwhile: who ended it let the VM go
// before it was held.
TEST_F(FreezeServiceTest, AFreezeThatOutlastsItsLeaseLetsGoAgain) {
  unsigned number = 10;
  for (const std::string slow : {"freeze_files", "pause"}) {
    for (const bool late : {false, true}) {
      SCOPED_TRACE(slow + (late ? " after" : " before"));
      hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
        if (call != slow || after != late) return std::nullopt;
        clock.advance(std::chrono::seconds(6));
        EXPECT_EQ(helper.look(), 1) << "not done while the delegate may still act";
        return std::nullopt;
      });
      const auto ended = service.put(test_id(++number), {"vm1", 5'000, true});
      ASSERT_TRUE(ended) << describe(ended.error());
      EXPECT_EQ(ended->state, "expired");
      EXPECT_EQ(hypervisor.state("vm1"), "running");
      EXPECT_FALSE(hypervisor.files_frozen("vm1"));
      EXPECT_EQ(helper.look(), 0);
      EXPECT_FALSE(helper.armed(test_id(number)));
      EXPECT_TRUE(store.phase(test_id(number))->done);
    }
  }
}

TEST_F(FreezeServiceTest, AVmThatSomebodyPausedStaysPaused) {
  hypervisor.set_state("vm1", "paused");
  const auto frozen = service.put(id, {"vm1", 5'000, true});
  ASSERT_TRUE(frozen);
  EXPECT_EQ(frozen->consistency, "crash");
  ASSERT_TRUE(service.remove(id));
  EXPECT_EQ(hypervisor.state("vm1"), "paused");
}

// It ran when the freeze began, and somebody paused it before VBS would have: whatever happens to
// the freeze then, VBS does not let it run.
TEST_F(FreezeServiceTest, AVmThatSomebodyPausesMeanwhileStaysPaused) {
  const auto pausing_when = [&](bool fails) {
    hypervisor.set_fault([this, fails](std::string_view call, bool after) -> std::optional<Error> {
      if (call != "freeze_files" || !after) return std::nullopt;
      hypervisor.set_state("vm1", "paused");
      if (fails) return failing(ErrorCode::timeout);
      return std::nullopt;
    });
  };
  pausing_when(false);
  EXPECT_EQ(service.put(id, {"vm1", 5'000, true})->state, "frozen");
  EXPECT_FALSE((*store.record(id))->stop);
  hypervisor.set_fault({});
  helper.kill(id);
  EXPECT_FALSE(service.remove(id)) << "its agent cannot thaw while it is paused";
  EXPECT_EQ(hypervisor.state("vm1"), "paused");
  hypervisor.set_state("vm1", "running");
  ASSERT_TRUE(service.remove(id));

  pausing_when(true);
  EXPECT_FALSE(service.put(test_id(2), {"vm1", 5'000, true})) << "abandoned before the pause";
  EXPECT_EQ(hypervisor.state("vm1"), "paused");
  EXPECT_EQ(hypervisor.effects().back(), "freeze_files vm1");
}

TEST_F(FreezeServiceTest, FileSystemsThatSomebodyFrozeStayFrozen) {
  hypervisor.freeze_inside("vm1");
  const auto frozen = service.put(id, {"vm1", 5'000, false});
  ASSERT_TRUE(frozen);
  EXPECT_EQ(frozen->consistency, "crash");
  ASSERT_TRUE(service.remove(id));
  EXPECT_TRUE(hypervisor.files_frozen("vm1"));
}

TEST_F(FreezeServiceTest, AnAgentThatFailsIsDoneWithoutAndSaidSo) {
  hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    if (call == "freeze_files" && after) return failing(ErrorCode::timeout);
    return std::nullopt;
  });
  const auto frozen = service.put(id, {"vm1", 5'000, true});
  ASSERT_TRUE(frozen);
  EXPECT_EQ(frozen->consistency, "crash");
  EXPECT_FALSE(hypervisor.files_frozen("vm1")) << "it may have frozen, so it must be thawed";
  EXPECT_EQ(hypervisor.state("vm1"), "paused");
}

TEST_F(FreezeServiceTest, WhatCannotBeThawedAtOnceIsLeftToTheLease) {
  bool agent_hangs = true;
  hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    if (call == "freeze_files" && after && agent_hangs) return failing(ErrorCode::timeout);
    if (call == "thaw_files" && !after && agent_hangs) return failing(ErrorCode::timeout);
    return std::nullopt;
  });
  EXPECT_EQ(service.put(id, {"vm1", 5'000, false}).error().code, ErrorCode::timeout);
  EXPECT_TRUE(hypervisor.files_frozen("vm1"));
  clock.advance(std::chrono::seconds(6));
  EXPECT_EQ(helper.look(), 1) << "still hangs";
  agent_hangs = false;
  EXPECT_EQ(helper.look(), 0);
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ(service.get(id)->state, "expired");
}

TEST_F(FreezeServiceTest, AFailedFreezeCanBeTriedAgain) {
  bool once = true;
  hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    if (call == "pause" && after && std::exchange(once, false)) return failing(ErrorCode::timeout);
    return std::nullopt;
  });
  EXPECT_FALSE(service.put(id, {"vm1", 5'000, true}));
  EXPECT_EQ(hypervisor.state("vm1"), "running");
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ(helper.look(), 0);
  EXPECT_FALSE(helper.armed(id));
  EXPECT_EQ(service.put(id, {"vm1", 5'000, true})->state, "frozen");
}

TEST_F(FreezeServiceTest, AnAgentThatRefusesIsDoneWithout) {
  hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    const bool agent = call == "freeze_files" || call == "thaw_files";
    if (agent && !after) return failing(ErrorCode::conflict);
    return std::nullopt;
  });
  const auto frozen = service.put(id, {"vm1", 5'000, true});
  ASSERT_TRUE(frozen) << describe(frozen.error());
  EXPECT_EQ(frozen->state, "frozen");
  EXPECT_EQ(frozen->consistency, "crash");
  EXPECT_EQ(hypervisor.state("vm1"), "paused");
  EXPECT_EQ((*service.remove(id))->state, "thawed");
  EXPECT_EQ(hypervisor.state("vm1"), "running");
}

TEST_F(FreezeServiceTest, AHypervisorThatRefusesToStopAVmIsAnErrorAndHoldsNothing) {
  hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    if (call == "pause" && !after) return failing(ErrorCode::conflict);
    return std::nullopt;
  });
  EXPECT_EQ(service.put(id, {"vm1", 5'000, true}).error().code, ErrorCode::conflict);
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ(service.get(id).error().code, ErrorCode::not_found);
}

TEST_F(FreezeServiceTest, AVmThatIsOffOrGoneIsSaidToBe) {
  EXPECT_EQ(service.put(id, {"nobody", 5'000, true})->state, "off");
  hypervisor.set_state("vm1", "off");
  EXPECT_EQ(service.put(id, {"vm1", 5'000, true})->state, "off");
  EXPECT_EQ(service.get(id).error().code, ErrorCode::not_found) << "nothing is held";
  hypervisor.set_state("vm1", "running");
  EXPECT_EQ(service.put(id, {"vm1", 5'000, true})->state, "frozen");
}

TEST_F(FreezeServiceTest, AVmThatGoesOffMeanwhileIsSaidToBe) {
  hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    if (call == "freeze_files" && after) hypervisor.set_state("vm1", "off");
    return std::nullopt;
  });
  EXPECT_EQ(service.put(id, {"vm1", 5'000, true})->state, "off");
}

TEST_F(FreezeServiceTest, AnAgentThatDoesNotThawKeepsNobodyFromUsingForce) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  EXPECT_FALSE(service.check_not_held("vm1", true)) << "its lease protects it";
  hypervisor.set_fault([&](std::string_view call, bool after) -> std::optional<Error> {
    if (call == "thaw_files" && !after) return failing(ErrorCode::timeout);
    return std::nullopt;
  });
  EXPECT_FALSE(service.remove(id));
  EXPECT_FALSE(service.check_not_held("vm1"));
  EXPECT_TRUE(service.check_not_held("vm1", true));
}

TEST_F(FreezeServiceTest, OneFreezeOfAVmAtATime) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  const auto other = service.put(test_id(2), {"vm1", 5'000, true});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::operation_in_progress);
  EXPECT_EQ(other.error().operation, id.str());
  EXPECT_TRUE(service.put(test_id(3), {"bare", 5'000, true})) << "another VM is free";
  EXPECT_EQ(service.put(id, {"bare", 5'000, true}).error().code, ErrorCode::idempotency_mismatch);
}

TEST_F(FreezeServiceTest, TellsWhoHoldsAVm) {
  EXPECT_FALSE(*service.holder("vm1"));
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  EXPECT_EQ(*service.holder("vm1"), id);
  EXPECT_FALSE(*service.holder("bare"));
  hypervisor.set_agent("vm1", false);
  EXPECT_FALSE(service.remove(id));
  EXPECT_EQ(*service.holder("vm1"), id) << "its file systems are still frozen";
  hypervisor.set_agent("vm1", true);
  EXPECT_TRUE(service.remove(id));
  EXPECT_FALSE(*service.holder("vm1"));
}

TEST_F(FreezeServiceTest, AVmThatWentOffMayHaveRunBefore) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  hypervisor.set_state("vm1", "off");
  EXPECT_EQ((*service.remove(id))->state, "expired");
  ASSERT_TRUE(service.put(test_id(2), {"bare", 5'000, true}));
  hypervisor.remove_vm("bare");
  EXPECT_EQ((*service.remove(test_id(2)))->state, "expired");
}

// Somebody lets the VM go on while it is copied: also one that he had paused himself.
TEST_F(FreezeServiceTest, AVmThatRunsAtTheThawWasNotHeld) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  hypervisor.set_state("vm1", "running");
  EXPECT_EQ((*service.remove(id))->state, "expired");
  EXPECT_FALSE(hypervisor.files_frozen("vm1")) << "it is let go all the same";

  hypervisor.set_state("vm1", "paused");
  ASSERT_TRUE(service.put(test_id(2), {"vm1", 5'000, true}));
  hypervisor.set_state("vm1", "running");
  EXPECT_EQ((*service.remove(test_id(2)))->state, "expired");
  EXPECT_EQ(service.get(test_id(2))->state, "expired");
}

TEST_F(FreezeServiceTest, AVmThatRanAndWasPausedAgainWasNotHeld) {
  hypervisor.write("vm1");
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  EXPECT_EQ((*service.remove(id))->state, "thawed") << "what it wrote before does not matter";
  for (const unsigned number : {2U, 3U}) {
    ASSERT_TRUE(service.put(test_id(number), {"vm1", 5'000, true}));
    hypervisor.set_state("vm1", "running");
    hypervisor.write("vm1");
    hypervisor.set_state("vm1", "paused");
    EXPECT_EQ((*service.remove(test_id(number)))->state, "expired");
    hypervisor.set_state("vm1", "paused");  // the second time, it is somebody else's from the start
  }
}

TEST_F(FreezeServiceTest, AVmThatDoesNotTellWhetherItRunsIsAskedAgain) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  hypervisor.set_state("vm1", "unknown");
  EXPECT_EQ(service.remove(id).error().code, ErrorCode::timeout);
  EXPECT_EQ(service.get(id)->state, "frozen");
  hypervisor.set_state("vm1", "paused");
  EXPECT_EQ((*service.remove(id))->state, "thawed");
}

TEST_F(FreezeServiceTest, AVmThatIsNotToBePausedMayRun) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, false}));
  EXPECT_EQ(hypervisor.state("vm1"), "running");
  EXPECT_EQ((*service.remove(id))->state, "thawed");
}

TEST_F(FreezeServiceTest, ListsWhatIsNotDone) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  ASSERT_TRUE(service.put(test_id(2), {"bare", 5'000, true}));
  ASSERT_TRUE(service.remove(id));
  const auto open = service.open_freezes();
  ASSERT_EQ(open->size(), 1U);
  EXPECT_EQ(open->front().id, test_id(2));
  EXPECT_EQ(open->front().vm, "bare");
}

}  // namespace
}  // namespace vbs::vmm_delegate
