/* SPDX-License-Identifier: MIT */
/* The services of this system; broker.json gives them the same names. */
#pragma once

#include <umh/module.h>

/* 7d2f6c1e-3b0a-4e8d-9c55-1f4a6e0b8d21: one JSON object per reading */
#define AGENT_READINGS UMH_GUID_V1(0x7D2F6C1E, 0x3B0A, 0x4E8D, 0x9C55, 0x1F4A6E0B8D21)
/* b94e0a37-5d1c-4f6b-8a2e-60c7d3f1952c: one JSON object when a rule begins to hold or ends */
#define AGENT_ALARMS UMH_GUID_V1(0xB94E0A37, 0x5D1C, 0x4F6B, 0x8A2E, 0x60C7D3F1952C)
