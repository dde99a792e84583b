// SPDX-License-Identifier: MIT
// Mirrors of the structs in src/host/managed.h and include/umh/module.h. Both sides check `Size`.
using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace UniversalModuleHost.Hosting;

/// <summary>umh_guid_v1: 16 bytes in the order of the text, at any address.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct NativeGuid
{
    private ulong _first;
    private ulong _last;

    /// <summary>By halves: a GUID that is passed on is in two registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NativeGuid From(Guid guid)
    {
        NativeGuid native = Unsafe.BitCast<Guid, NativeGuid>(guid);
        native._first = Turn(native._first);
        return native;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Guid ToGuid()
    {
        NativeGuid turned = new() { _first = Turn(_first), _last = _last };
        return Unsafe.BitCast<NativeGuid, Guid>(turned);
    }

    /// <summary>A number of 32 bits and two of 16, each from one end to the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Turn(ulong half)
    {
        half = BinaryPrimitives.ReverseEndianness(half);
        return (half >> 32) | ((half & 0xFFFF_0000) << 16) | (half << 48);
    }
}

/// <summary>umh_message_v1</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeMessage
{
    public nuint Size;
    public NativeGuid Service;
    public byte* Text;
    public nuint TextBytes;
    public uint SourceHost;
    public uint SourceSession;
    public uint Session;
    public ushort SourceSlot;
    public ushort Slot;
}

/// <summary>umh_pair_v1</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativePair
{
    public byte* Key;
    public byte* Value;
}

/// <summary>umh_identity_v1</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeIdentity
{
    public nuint Size;
    public byte* Module;
    public byte* Host;
    public NativeGuid HostService;
    public uint HostNumber;
    public uint Session;
    public ushort Slot;
    public byte* Folder;
    public byte* OriginalFolder;
}

/// <summary>umh_host_v1: the functions a module calls.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeHost
{
    public nuint Size;
    public uint AbiVersion;
    public uint Reserved;
    public delegate* unmanaged[Cdecl]<NativeHost*, NativeGuid*, uint, byte*, nuint, uint, int> Send;
    public delegate* unmanaged[Cdecl]<NativeHost*, NativeGuid*, uint, byte*, nuint, int> TrySend;
    public delegate* unmanaged[Cdecl]<NativeHost*, NativeGuid*, int> Subscribe;
    public delegate* unmanaged[Cdecl]<NativeHost*, NativeGuid*, int> Unsubscribe;
    public delegate* unmanaged[Cdecl]<NativeHost*, int, byte*, NativePair*, nuint, int> Log;
    public delegate* unmanaged[Cdecl]<NativeHost*, byte*> Configuration;
    public delegate* unmanaged[Cdecl]<NativeHost*, NativeIdentity*> Identity;
    public delegate* unmanaged[Cdecl]<NativeHost*, nuint> MaxMessageBytes;
    public delegate* unmanaged[Cdecl]<NativeHost*, int> Reload;
}

/// <summary>umh_managed_load</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeLoad
{
    public uint Size;
    public uint Slot;
    public byte* Name;
    public byte* Path;
    public byte* Folder;
    public byte* OriginalFolder;
    public byte* Config;
    public byte* State;
    public NativeHost* Host;
    public uint LogLevel;
    public uint Reserved;
}

/// <summary>umh_managed_facts</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeFacts
{
    public const int NameBytes = 65;
    public const int VersionBytes = 64;
    public const int ServicesMax = 64;

    public uint Size;
    public uint ServiceCount;
    public NameText Name;
    public VersionText Version;
    public ServiceList Services;

    [InlineArray(NameBytes)]
    public struct NameText
    {
        private byte _first;
    }

    [InlineArray(VersionBytes)]
    public struct VersionText
    {
        private byte _first;
    }

    [InlineArray(ServicesMax)]
    public struct ServiceList
    {
        private NativeGuid _first;
    }
}

/// <summary>umh_managed_unload</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeUnload
{
    /// <summary>UMH_EXPLANATION_BYTES</summary>
    public const int ExplanationBytes = 16 * 1024;

    public uint Size;
    public uint WantsExplanation;
    public NativeHost* Host;
    public byte* Explanation;
}

/// <summary>umh_managed_calls: what the host calls.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeCalls
{
    public const uint CurrentVersion = 1;

    public uint Size;
    public uint Version;
    public delegate* unmanaged[Cdecl]<NativeLoad*, NativeFacts*, nint*, byte*, int> Load;
    public delegate* unmanaged[Cdecl]<nint, byte*, int> Start;
    public delegate* unmanaged[Cdecl]<nint, NativeMessage*, void> OnMessage;
    public delegate* unmanaged[Cdecl]<nint, int, void> Stop;
    public delegate* unmanaged[Cdecl]<nint, NativeUnload*, byte*, int> Unload;
    public delegate* unmanaged[Cdecl]<nint, byte*, byte*, int> Configure;
    public delegate* unmanaged[Cdecl]<nint, void> BeginStop;
}

/// <summary>umh_managed_start: what Main is given.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeStart
{
    public const uint CurrentVersion = 1;

    public uint Size;
    public uint Version;
    public void* Context;
    public delegate* unmanaged[Cdecl]<void*, NativeCalls*, void> OnReady;
    public delegate* unmanaged[Cdecl]<void*, void> WaitForEnd;
    public delegate* unmanaged[Cdecl]<uint, byte*, byte*, nuint, void> Log;
    public delegate* unmanaged[Cdecl]<NativeHost*, NativeGuid*, uint, byte*, nuint, int> SendInside;
    public delegate* unmanaged[Cdecl]<NativeHost*, byte*, nuint, void> Failed;
    public delegate* unmanaged[Cdecl]<NativeHost*, byte*, nuint, int> KeepState;
    public delegate* unmanaged[Cdecl]<NativeHost*, void> Ended;
    public delegate* unmanaged[Cdecl]<NativeHost*, void> Gone;
}

/// <summary>The host that runs this process, and what its structs are measured by.</summary>
internal static unsafe class Border
{
    /// <summary>UMH_MANAGED_WHY_BYTES</summary>
    public const int WhyBytes = 4096;

    /// <summary>UMH_FOREVER_MS</summary>
    public const uint Forever = 0xFFFFFFFF;

    /// <summary>Set once, by Main, before anything else runs.</summary>
    public static NativeStart* Start;

    public static bool IsMine(NativeStart* start) =>
        start->Size == sizeof(NativeStart) && start->Version == NativeStart.CurrentVersion;

    public static bool IsMine(NativeLoad* load, NativeFacts* facts) =>
        load->Size == sizeof(NativeLoad) && facts->Size == sizeof(NativeFacts)
        && load->Host->Size >= (nuint)sizeof(NativeHost);

    /// <summary>
    /// A NUL-terminated text of the host's. Marshal would load one more assembly at the start.
    /// </summary>
    public static string ToText(byte* text)
    {
        int length = 0;
        while (text != null && text[length] != 0)
            length++;
        return length == 0 ? string.Empty : new string((sbyte*)text, 0, length, Encoding.UTF8);
    }

    /// <summary>Cut at a character's border, always terminated.</summary>
    public static void Put(ReadOnlySpan<char> text, Span<byte> to)
    {
        Utf8.FromUtf16(text, to[..^1], out _, out int written);
        to[written] = 0;
    }
}
