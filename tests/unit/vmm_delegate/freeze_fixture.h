#pragma once

#include <gtest/gtest.h>

#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_lease_helper.h"
#include "tests/unit/vmm_delegate/support.h"
#include "vmm_delegate/freeze/freeze_service.h"

namespace vbs::vmm_delegate {

/// A service of freezes over a machine with two VMs, one of which has no agent.
class FreezeFixture : public testing::Test {
 protected:
  FreezeFixture() {
    hypervisor.add_vm("vm1", true);
    hypervisor.add_vm("bare", false);
  }

  Error failing(ErrorCode code) { return {code, "as the test wants", {}, {}, {}}; }

  test::TempDir dir;
  test::ManualClock clock;
  fakes::FakeHypervisor hypervisor;
  FreezeStore store = *FreezeStore::open(dir.path("freezes"));
  fakes::FakeLeaseHelper helper{store, hypervisor, clock};
  FreezeService service{hypervisor, helper, store, clock};
  const Uuid id = test::test_id(1);
};

}  // namespace vbs::vmm_delegate
