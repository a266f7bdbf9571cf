// SPDX-License-Identifier: Apache-2.0
// The same for unit tests: what the product's files include, and GoogleTest.
#include "cmake/precompiled.h"

#include <gtest/gtest.h>
