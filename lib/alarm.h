// SPDX-License-Identifier: Apache-2.0
// The time limit of a command line tool (-t, --timeout): after it the process says so and dies of SIGALRM, so that its parent can tell.
#pragma once

namespace sluice {

/// seconds 0: no limit.  One for the process.
void set_process_timeout(unsigned seconds);

}  // namespace sluice
