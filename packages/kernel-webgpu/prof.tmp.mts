import { createWebGpuKernel } from "./src/index.ts";
const [B,L,H,P,G,N]=(process.argv[2]??"11,140,4,3,2,5").split(",").map(Number) as number[];
import { openWebGpuKernel } from "./src/create.ts";
const base = await createWebGpuKernel(); const kernel = process.env.PAR ? await openWebGpuKernel(base.runtime.device, true, { parallel: true, chunkBytes: process.env.CHUNK ? 1000 : undefined } as never) : base;
const up=(shape:number[],f=()=>Math.random()-0.5)=>{const n=shape.reduce((a,b)=>a*b,1);return kernel.upload(Float32Array.from({length:n},f),shape,"f32");};
const args={x:up([B,L,H*P]),B:up([B,L,G*N]),C:up([B,L,G*N]),logDecay:up([B,L,H],()=>-Math.random()),weight:up([B,L,H]),D:up([H]),heads:H,groups:G,initialState:up([B,H,P,N])};
const dy=up([B,L,H*P]); const dF=up([B,H,P,N]);
for (let i=0;i<2;i++){
 const t0=performance.now(); const c0=process.cpuUsage();
 const times = await kernel.profile(async()=>{ const {residual}=kernel.ssdScanForward(args as never); kernel.ssdScanBackward(dy,args as never,residual,dF); await kernel.sync(); });
 console.log("total",performance.now()-t0,"cpu",process.cpuUsage(c0).user/1e3);
 if(i) for(const t of times) console.log(t.shader, (t.seconds??0)*1e3);
}
await kernel.dispose();
process.exit(0)
