import { createWebGpuKernel } from "./src/index.ts";
import { reference } from "../conformance/src/index.ts";
const [B,L,H,P,G,N]=(process.argv[2]??"1,3,1,2,1,2").split(",").map(Number) as number[];
import { openWebGpuKernel } from "./src/create.ts";
const base = await createWebGpuKernel(); const kernel = process.env.PAR ? await openWebGpuKernel(base.runtime.device, true, { parallel: true, chunkBytes: process.env.CHUNK ? 1000 : undefined } as never) : base;
let seed=1; const rnd=()=>{seed=(seed*1103515245+12345)%2147483648; return seed/2147483648-0.5;};
const host:Record<string,Float32Array>={};
const up=(name:string,shape:number[],f=rnd)=>{const n=shape.reduce((a,b)=>a*b,1);host[name]=Float32Array.from({length:n},f);return kernel.upload(host[name]!,shape,"f32");};
const t={x:up("x",[B,L,H*P]),B:up("B",[B,L,G*N]),C:up("C",[B,L,G*N]),logDecay:up("logDecay",[B,L,H],()=>-Math.abs(rnd())),weight:up("weight",[B,L,H]),D:up("D",[H]),initialState:up("initialState",[B,H,P,N])};
const args={...t,heads:H,groups:G};
const dy=up("dy",[B,L,H*P]); const dF=up("dF",[B,H,P,N]);
const {residual}=kernel.ssdScanForward(args as never);
const grads=kernel.ssdScanBackward(dy,args as never,residual,dF) as unknown as Record<string,never>;
const r = (reference as any).ssdScanBackward({B,L,H,P,G,N}, host.dy, host, host.dF);
for (const k of Object.keys(grads)) { const [v]=await kernel.read(grads[k]!); const e=r[k]??r["d_"+k]; let m=0,at=0; (v as Float32Array).forEach((a,i)=>{const d=Math.abs(a-e[i]); if(d>m){m=d;at=i;}}); console.log(k, m, at, (v as Float32Array)[at], e[at]); }
await kernel.dispose(); process.exit(0);
